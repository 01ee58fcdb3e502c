"""What a person changes about what they get: each one takes effect in the request's transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cart_recovery.conf import conf
from cart_recovery.consent import notices, wordings
from cart_recovery.consent.ledger import record
from cart_recovery.consent.opt_ins import ask
from cart_recovery.consent.withdrawals import ADVERTISING, withdraw, withdraw_everywhere
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import ConsentAction, ConsentMethod, Contact, NoticeKind, Purpose
from cart_recovery.preferences.overview import Overview

SOURCE: Final = "preferences"


class Action(StrEnum):
    OFF = "off"
    ALL_OFF = "all_off"
    ASK = "ask"
    ORDERS_ON = "orders_on"
    PREFER = "prefer"
    LANGUAGE = "language"
    PAUSE = "pause"
    RESUME = "resume"
    DATA = "data"


#: nothing may stand in the way of less
NEVER_LIMITED: Final = frozenset({Action.OFF, Action.ALL_OFF, Action.PAUSE})


@dataclass(frozen=True, slots=True)
class Wish:
    """One button that was pressed. `channel` is the one whose link or page the person uses."""

    action: Action
    data: Mapping[str, str]
    channel: str
    source_url: str
    language: str
    now: dt.datetime


Told = str | Promise | None


def change(contact: Contact, shown: Overview, wish: Wish) -> Told:
    """Do it and give the words that say so; None for what makes no sense and changed nothing."""
    with transaction.atomic():
        return _HANDLERS[wish.action](contact, shown, wish)


def _off(contact: Contact, shown: Overview, wish: Wish) -> Told:
    channel = shown.channel(wish.data.get("channel", ""))
    purpose = wish.data.get("purpose", "")
    if channel is None or purpose not in Purpose:
        return None
    withdraw(
        contact, channel=channel.alias, purposes=[purpose], source=SOURCE,
        source_url=wish.source_url,
    )  # fmt: skip
    return _("Switched off. This holds from now on.")


def _all_off(contact: Contact, shown: Overview, wish: Wish) -> Told:
    withdraw_everywhere(
        contact, purposes=ADVERTISING, source=SOURCE, source_url=wish.source_url
    )  # fmt: skip
    return _("You get no more advertising, on any channel. This holds from now on.")


def _ask(contact: Contact, shown: Overview, wish: Wish) -> Told:
    channel = shown.channel(wish.data.get("channel", ""))
    if channel is None:
        return None
    wording = wordings.shown(wish.data.get("wording", ""), channel=channel.alias)
    if wording is None:
        return _("The text has changed meanwhile. Please read it and agree once more.")
    try:
        ask(
            contact, channel=channel.alias, wording=wording, source=SOURCE,
            source_url=wish.source_url, language=wish.language,
        )  # fmt: skip
    except InvalidAddressError:
        return None
    if channel.address_kind == "phone":
        return _("Please look at your phone: reply YES or press the link to confirm.")
    return _("Please look into your mail: press the link in it to confirm.")


def _orders_on(contact: Contact, shown: Overview, wish: Wish) -> Told:
    """Messages about an order need no consent: the person's word is enough to have them again."""
    channel = shown.channel(wish.data.get("channel", ""))
    if channel is None:
        return None
    record(
        contact, channel=channel.alias, purposes=[Purpose.ORDER_STATUS],
        action=ConsentAction.GRANTED, method=ConsentMethod.SINGLE, source=SOURCE,
        source_url=wish.source_url,
    )  # fmt: skip
    return _("You get messages about your orders again.")


def _prefer(contact: Contact, shown: Overview, wish: Wish) -> Told:
    alias = wish.data.get("channel", "")
    if alias and shown.channel(alias) is None:
        return None
    _save(contact, preferred_channel=alias)
    return _("Saved.")


def _language(contact: Contact, shown: Overview, wish: Wish) -> Told:
    language = wish.data.get("language", "")
    if language not in conf.LANGUAGES:
        return None
    _save(contact, language=language)
    return _("Saved.")


def _pause(contact: Contact, shown: Overview, wish: Wish) -> Told:
    _save(contact, paused_until=wish.now + conf.PAUSE)
    return _("You get no advertising for a while.")


def _resume(contact: Contact, shown: Overview, wish: Wish) -> Told:
    _save(contact, paused_until=None)
    return _("The pause is over.")


def _data(contact: Contact, shown: Overview, wish: Wish) -> Told:
    """The link goes to the address itself: whoever has this page need not have the address."""
    channel = shown.channel(wish.channel) or next(iter(shown.channels), None)
    if channel is None:
        return None
    notices.plan(
        NoticeKind.DATA_EXPORT, contact, channel=channel.alias, language=wish.language, now=wish.now
    )
    if channel.address_kind == "phone":
        return _("A text message with the link to your data is on its way to your number.")
    return _("A mail with the link to your data is on its way to your address.")


def _save(contact: Contact, **values: object) -> None:
    for name, value in values.items():
        setattr(contact, name, value)
    contact.save(update_fields=list(values))


_HANDLERS: Final[Mapping[Action, Callable[[Contact, Overview, Wish], Told]]] = {
    Action.OFF: _off,
    Action.ALL_OFF: _all_off,
    Action.ASK: _ask,
    Action.ORDERS_ON: _orders_on,
    Action.PREFER: _prefer,
    Action.LANGUAGE: _language,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.DATA: _data,
}
