"""People's answers: kept, and a no is obeyed at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from cart_recovery.channels.base import Channel
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.inbound.keywords import Keyword
from cart_recovery.inbound.obeying import keyword_of, obey
from cart_recovery.inbound.ratings import take_rating
from cart_recovery.models import Contact, Reply
from cart_recovery.provider_events import InboundText


def take_texts(texts: Sequence[InboundText], channel: Channel) -> int:
    """Keep the answers that are new and do what they say; their number."""
    new = 0
    for text in texts:
        with transaction.atomic():
            new += _take(text, channel)
    return new


def _take(text: InboundText, channel: Channel) -> bool:
    keyword = keyword_of(text)
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
    if is_new:
        obey(text, reply, channel)
        # only what is none of the words that the law knows
        if keyword is Keyword.NONE and take_rating(text.body, reply.contact, channel):
            reply.keyword = Keyword.RATING
            reply.save(update_fields=["keyword"])
    return is_new


def _find_contact(text: InboundText, channel: Channel) -> Contact | None:
    try:
        return find_by_address(channel.address_kind, text.sender)
    except InvalidAddressError:
        return None
