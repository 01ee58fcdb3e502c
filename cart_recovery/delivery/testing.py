"""Test sends: staff try a text out on themselves, on the way that all messages take.

A test is a notice: it passes the gate of the rules, the renderer and the outbox. It carries no link
that works and no voucher, counts for no cap and in no report, and never goes to anybody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cart_recovery.channels.base import Channel
from cart_recovery.channels.registry import get_channel
from cart_recovery.consent import notices
from cart_recovery.consent.addresses import digest_on
from cart_recovery.contacts.addresses import normalize_email
from cart_recovery.contacts.identities import resolve_users
from cart_recovery.delivery.notice_rules import judge, load_facts
from cart_recovery.exceptions import CartRecoveryError, InvalidAddressError
from cart_recovery.models import Contact, Notice, NoticeKind, Reason
from cart_recovery.rendering.batches import PHONE
from cart_recovery.rendering.preview_settings import Setting
from cart_recovery.rendering.previews import TestText, render_test
from cart_recovery.rendering.requests import Rendered

#: tests of one person on one kind of address within an hour
LIMITS: Final[Mapping[str, int]] = {"email": 20, PHONE: 5}
PERIOD: Final = dt.timedelta(hours=1)

_REFUSALS: Final[Mapping[str, str | Promise]] = {
    Reason.SUPPRESSED: _("Your address is blocked on this channel, so nothing can be sent to it."),
    Reason.NO_CONSENT: _(
        "Your number has not agreed to messages on this channel. Enter it in the shop with your own "
        "account, confirm it, and try again."
    ),
    Reason.QUIET_HOURS: _("It is quiet hours where you are. Try again later."),
    Reason.CHANNEL_PAUSED: _(
        "The channel is paused. Resume it on the health page, then try again."
    ),
    Reason.NO_CHANNEL: _("This channel is not set up."),
    Reason.ERASED: _("The data on you as a customer was erased, so nothing can be sent to you."),
}
_NO_ADDRESS: Final[Mapping[str, str | Promise]] = {
    "email": _(
        "Your user account has no e-mail address that can be written to. Enter your own there, and "
        "try again."
    ),
    PHONE: _(
        "The shop knows no mobile number of yours. Enter it in the shop with your own account, agree "
        "to messages there, and try again."
    ),
}


class TestRefusedError(CartRecoveryError):
    """A test cannot be sent. `reason` is for staff."""

    #: pytest takes it for a test otherwise
    __test__ = False

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))
        self.reason = str(reason)


def setting_of(
    channel: Channel, language: str, shows_persons: bool, *, may_advertise: bool = True
) -> Setting:
    """What a preview on this channel looks like."""
    return Setting(
        channel=channel.alias, address_kind=channel.address_kind, language=language,
        supports_reply=channel.supports_reply, shows_persons=shows_persons,
        may_advertise=may_advertise,
    )  # fmt: skip


def send_test(
    user: Any, kept: TestText, *, channel: str, now: dt.datetime | None = None
) -> tuple[str, Rendered]:
    """Plan a test to the user's own address; it leaves within seconds. The address, and what it says.

    Raises TestRefusedError where it may not go out, RenderingError where it cannot be rendered.
    """
    now = now or timezone.now()
    used = get_channel(channel)
    language = kept.content.language
    setting = setting_of(
        used, language, kept.shows_persons, may_advertise=kept.may_advertise
    )  # fmt: skip
    rendered = render_test(kept, setting)
    contact = _own_contact(user, used.address_kind)
    _refuse_many(contact, used, now)
    _pass_gate(contact, channel, now)
    with transaction.atomic():
        planned = notices.plan(
            NoticeKind.TEST, contact, channel=channel, language=language, now=now,
            content=kept.as_json(),
        )  # fmt: skip
    if planned is None:
        raise TestRefusedError(_NO_ADDRESS[used.address_kind])
    return contact.address_for(used.address_kind), rendered


def _own_contact(user: Any, address_kind: str) -> Contact:
    """The contact of this very account: its mail goes to the account's address and nowhere else."""
    contact = resolve_users([user.pk]).get(user.pk)
    if contact is None or not contact.address_for(address_kind):
        raise TestRefusedError(_NO_ADDRESS[address_kind])
    if address_kind != PHONE and contact.email_key != _key_of(user):
        raise TestRefusedError(_NO_ADDRESS[address_kind])
    return contact


def _key_of(user: Any) -> str:
    try:
        return normalize_email(getattr(user, user.get_email_field_name(), "") or "")[1]
    except InvalidAddressError:
        return ""


def _refuse_many(contact: Contact, channel: Channel, now: dt.datetime) -> None:
    recent = Notice.objects.filter(
        contact=contact, kind=NoticeKind.TEST, channel=channel.alias, created_at__gt=now - PERIOD
    )
    if recent.count() >= LIMITS[channel.address_kind]:
        raise TestRefusedError(
            _("That is enough for now: %(limit)d tests within an hour. Try again later.")
            % {"limit": LIMITS[channel.address_kind]}
        )


def _pass_gate(contact: Contact, channel: str, now: dt.datetime) -> None:
    """Ask the rules that the notice will meet, so that a refusal is told at once."""
    notice = Notice(
        kind=NoticeKind.TEST, contact=contact, channel=channel,
        address_digest=digest_on(contact, channel), created_at=now, due_at=now,
        expires_at=now + notices.LIFETIMES[NoticeKind.TEST],
    )  # fmt: skip
    verdict = judge(load_facts([notice], now)[0], now)
    if verdict is not None:
        raise TestRefusedError(
            _REFUSALS.get(verdict.reason) or Reason(verdict.reason).label
        )  # fmt: skip
