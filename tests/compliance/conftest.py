from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cart_recovery.channels.base import OutgoingMessage
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.pipeline import deliver_due
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)
from tests.inbound.conftest import twilio

__all__ = ["twilio"]

Send = Callable[..., OutgoingMessage | None]


@pytest.fixture(autouse=True)
def _empty_outbox() -> Iterator[None]:
    LocmemChannel.reset()
    yield
    LocmemChannel.reset()


@pytest.fixture
def send(db: None) -> Send:
    """Send one due reminder on a channel, and give what reached the provider; None: nothing did.

    `consent` names a method, or is None for nobody's yes; the rest makes the contact.
    """

    def deliver(
        channel: str = "email", *, consent: str | None = "double", **person: Any
    ) -> OutgoingMessage | None:
        person = {"email": "max@example.de", "phone": "+4915112345678", "country": "DE", **person}
        contact = make_contact(person.pop("email"), **person)
        if consent is not None:
            make_consent(contact, channel, method=consent)
        campaign = make_campaign(channels=(channel,))
        if channel == "sms":
            campaign.steps.get().variants.update(template_code="abandoned-basket-2")
        make_followup(
            contact=contact, campaign=campaign, basket=make_basket(make_product("Kaffeemühle"))
        )
        deliver_due()
        return LocmemChannel.outbox[-1] if LocmemChannel.outbox else None

    return deliver
