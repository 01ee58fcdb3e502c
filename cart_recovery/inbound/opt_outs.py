"""Unsubscribing by mail: obeyed at once, as often as it is said."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import transaction

from cart_recovery.channels.base import Channel
from cart_recovery.consent.unsubscribe import read_token
from cart_recovery.consent.withdrawals import ADVERTISING, withdraw, withdraw_by_address
from cart_recovery.exceptions import InvalidAddressError, InvalidTokenError
from cart_recovery.inbound.receivers import MailOptOut
from cart_recovery.models import Contact
from cart_recovery.provider_events import SuppressionReason

logger = logging.getLogger(__name__)

SOURCE = "mailto_unsubscribe"


def take_opt_outs(opt_outs: Sequence[MailOptOut], channel: Channel) -> int:
    """Withdraw for each of them; the number of those that meant somebody."""
    taken = 0
    for opt_out in opt_outs:
        with transaction.atomic():
            taken += _by_token(opt_out) or _by_sender(opt_out, channel)
    return taken


def _by_token(opt_out: MailOptOut) -> bool:
    """The person whose message carried this address, and the channel it came by."""
    try:
        target = read_token(opt_out.token)
    except InvalidTokenError:
        return False
    contact = Contact.objects.filter(pk=target.contact_id).first()
    if contact is None or contact.erased_at:
        logger.info("A mail unsubscribes a contact that no longer exists.")
        return True
    purposes = list(dict.fromkeys([*ADVERTISING, target.purpose]))
    withdraw(contact, channel=target.channel, purposes=purposes, source=SOURCE)
    return True


def _by_sender(opt_out: MailOptOut, channel: Channel) -> bool:
    """Whoever writes without a token, where the From can be believed."""
    if not opt_out.sender:
        logger.info("A mail to %s that unsubscribes says not for whom.", channel.alias)
        return False
    try:
        withdraw_by_address(
            channel.alias, channel.address_kind, opt_out.sender, source=SOURCE,
            reason=SuppressionReason.UNSUBSCRIBED,
        )  # fmt: skip
    except InvalidAddressError:
        return False
    return True
