"""What follows from a person's answer, for all channels of the same kind.

Who says STOP does not know that the shop has two senders, and nobody answers twice: what the
provider has answered by itself gets no second answer from us.
"""

from __future__ import annotations

import logging
from typing import Final

from cart_recovery.channels.base import Channel
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.consent import notices, opt_ins
from cart_recovery.consent.returning import come_back
from cart_recovery.consent.suppression import suppressed
from cart_recovery.consent.withdrawals import withdraw_by_address
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.inbound.keywords import Keyword, read_keyword
from cart_recovery.models import Contact, NoticeKind, Reply
from cart_recovery.provider_events import InboundText

logger = logging.getLogger(__name__)

#: what a provider may have understood by itself
PROVIDER_WORDS: Final = frozenset({Keyword.STOP, Keyword.START, Keyword.HELP})


def obey(text: InboundText, reply: Reply, channel: Channel) -> None:
    """Do what the answer says, at once."""
    keyword = Keyword(reply.keyword)
    if keyword is Keyword.STOP:
        _stop(text, reply, channel)
    elif keyword in (Keyword.YES, Keyword.START):
        _agree(text, reply, channel, is_start=keyword is Keyword.START)
    elif keyword is Keyword.HELP:
        _answer(NoticeKind.HELP, text, reply.contact, channel)


def _stop(text: InboundText, reply: Reply, channel: Channel) -> None:
    digest = address_digest(channel.address_kind, text.sender)
    was_blocked = bool(suppressed([(channel.alias, digest)]))
    for alias in aliases_like(channel):
        withdraw_by_address(alias, channel.address_kind, text.sender, source="sms_stop")
    logger.info("Reply %d on %s withdraws the permission.", reply.pk, text.channel)
    if not was_blocked:
        # one confirmation at most, whatever is said after it
        _answer(NoticeKind.STOP_CONFIRMED, text, reply.contact, channel)


def _agree(text: InboundText, reply: Reply, channel: Channel, *, is_start: bool) -> None:
    """A yes to what was asked of this number; without a question, START means the way back."""
    digest = address_digest(channel.address_kind, text.sender)
    confirmed = False
    aliases = aliases_like(channel)
    for alias in aliases:
        for opt_in in opt_ins.pending_at(alias, digest):
            confirmed |= bool(opt_ins.confirm(opt_in, by="reply", evidence=text.body))
    if confirmed:
        logger.info("Reply %d on %s confirms.", reply.pk, text.channel)
    elif is_start and reply.contact is not None:
        come_back(reply.contact, aliases, evidence=text.body)


def _answer(
    kind: NoticeKind, text: InboundText, contact: Contact | None, channel: Channel
) -> None:  # fmt: skip
    if contact is None or text.provider_opt_out or channel.answers_itself(text.body):
        return
    notices.plan(kind, contact, channel=channel.alias)


def aliases_like(channel: Channel) -> list[str]:
    """All aliases of the same kind of channel, the one that was used first."""
    aliases = [channel.alias]
    for alias in configured_aliases():
        try:
            is_alike = type(get_channel(alias)) is type(channel)
        except ChannelConfigurationError:
            continue
        if is_alike and alias != channel.alias:
            aliases.append(alias)
    return aliases


def keyword_of(text: InboundText) -> Keyword:
    """What the answer means. The provider's reading counts too: it knows words that the shop added
    there. Our own no goes before it."""
    own = read_keyword(text.body)
    if own is Keyword.STOP or text.provider_opt_out not in PROVIDER_WORDS:
        return own
    return Keyword(text.provider_opt_out)
