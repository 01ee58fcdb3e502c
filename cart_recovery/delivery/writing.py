"""A rendered message as its row and as what the channel gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse

from cart_recovery.channels.base import OutgoingMessage
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import FollowUp, Message, Notice, new_public_id
from cart_recovery.rendering.requests import Rendered
from cart_recovery.shop.site import absolute_url


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a message goes."""

    channel: str
    address_kind: str
    address: str


def row_of(origin: FollowUp | Notice, contact_id: int, now: dt.datetime) -> Message:
    """The message's row: the one of a call that surely failed, or a new one."""
    message = getattr(origin, "message", None)
    if isinstance(message, Message):
        message.attempts += 1
        # an order may be somebody else's by now
        message.contact_id = contact_id
        return message
    return Message(
        followup=origin if isinstance(origin, FollowUp) else None,
        notice=origin if isinstance(origin, Notice) else None,
        contact_id=contact_id, public_id=new_public_id(), created_at=now,
    )  # fmt: skip


def fill(
    message: Message,
    rendered: Rendered,
    to: Recipient,
    *,
    headers: Mapping[str, str],
    callback: str,
) -> OutgoingMessage:
    """Write what was rendered into the row, and give what goes out."""
    message.channel = to.channel
    message.language = rendered.language
    message.to_address = to.address
    message.address_digest = address_digest(to.address_kind, to.address)
    message.subject = rendered.subject[:255]
    message.html = rendered.html
    message.text = rendered.text
    message.sms_parts = rendered.sms_parts
    message.reason = message.detail = ""
    return OutgoingMessage(
        key=message.public_id,
        to=to.address,
        language=rendered.language,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=headers,
        callback_url=f"{callback}?message={message.public_id}",
    )


def callback_url(channel: str) -> str:
    """Where the provider reports to."""
    path = reverse("cart_recovery:webhook", kwargs={"channel": channel, "kind": "status"})
    return absolute_url(path)
