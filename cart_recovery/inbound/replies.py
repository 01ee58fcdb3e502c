"""People's answers: kept, and a no is obeyed at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import transaction

from cart_recovery.channels.base import Channel
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.consent.withdrawals import withdraw_by_address
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.exceptions import ChannelConfigurationError, InvalidAddressError
from cart_recovery.inbound.keywords import Keyword, read_keyword
from cart_recovery.models import Contact, Reply
from cart_recovery.provider_events import InboundText

logger = logging.getLogger(__name__)


def take_texts(texts: Sequence[InboundText], channel: Channel) -> int:
    """Keep the answers that are new; their number. A START gives no permission back: consent is
    asked for again, with a proof."""
    new = 0
    for text in texts:
        with transaction.atomic():
            new += _take(text, channel)
    return new


def _take(text: InboundText, channel: Channel) -> bool:
    keyword = _keyword(text)
    reply, is_new = Reply.objects.get_or_create(
        provider_message_id=text.provider_message_id,
        defaults={
            "channel": text.channel,
            "contact": _find_contact(text, channel),
            "sender": text.sender[:64],
            "body": text.body,
            "keyword": keyword,
        },
    )
    if is_new and keyword is Keyword.STOP:
        for alias in _aliases_like(channel):
            withdraw_by_address(alias, channel.address_kind, text.sender, source="sms_stop")
        logger.info("Reply %d on %s withdraws the permission.", reply.pk, text.channel)
    return is_new


def _keyword(text: InboundText) -> Keyword:
    """The provider's reading counts too: it knows words that the shop added there."""
    own = read_keyword(text.body)
    if own is Keyword.STOP or text.provider_opt_out not in set(Keyword):
        return own
    return Keyword(text.provider_opt_out) or own


def _find_contact(text: InboundText, channel: Channel) -> Contact | None:
    try:
        return find_by_address(channel.address_kind, text.sender)
    except InvalidAddressError:
        return None


def _aliases_like(channel: Channel) -> list[str]:
    """All aliases of the same kind of channel: who says STOP does not know that there are two."""
    aliases = [channel.alias]
    for alias in configured_aliases():
        try:
            is_alike = type(get_channel(alias)) is type(channel)
        except ChannelConfigurationError:
            continue
        if is_alike and alias != channel.alias:
            aliases.append(alias)
    return aliases
