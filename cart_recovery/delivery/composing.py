"""From follow-ups that may go out to rendered drafts: vouchers, links, texts, all in bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from cart_recovery.channels.base import OutgoingMessage
from cart_recovery.channels.registry import get_channel
from cart_recovery.consent import unsubscribe
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.delivery.outbox import Draft
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.rules import remaining_basket
from cart_recovery.eligibility.verdicts import Send, Skip
from cart_recovery.exceptions import RenderingError
from cart_recovery.incentives.granting import grant
from cart_recovery.models import FollowUp, Message, Reason, new_public_id
from cart_recovery.rendering.batches import render_batch
from cart_recovery.rendering.requests import Rendered, RenderRequest
from cart_recovery.restore_links.tokens import LinkRequest, create_links, restore_url
from cart_recovery.shop.site import absolute_url

Approved = tuple[FollowUpFacts, Send]


@dataclass(slots=True)
class Composition:
    drafts: list[Draft]
    failed: list[tuple[FollowUp, Skip]]


def compose(approved: Sequence[Approved], now: dt.datetime) -> Composition:
    """Render a message for each approved follow-up. Constant queries, whatever the number.

    A message that cannot be rendered fails alone, with the reason that staff can read.
    """
    result = Composition([], [])
    if not approved:
        return result
    requests = _requests(approved, now)
    callbacks = {channel: _callback_url(channel) for channel in {r.channel for r in requests}}
    for (facts, send), request, rendered in zip(
        approved, requests, render_batch(requests), strict=True
    ):
        followup = facts.followup
        followup.variant_id = send.choice.option.variant_id
        followup.choice_reason = send.choice.describe()
        if isinstance(rendered, RenderingError):
            reason = f"{rendered.field} {rendered.line or ''}: {rendered.reason}"
            result.failed.append((followup, Skip(Reason.TEMPLATE_ERROR, detail=reason)))
        else:
            callback = callbacks[request.channel]
            result.drafts.append(_draft(followup, request, rendered, now, callback=callback))
    return result


def _requests(approved: Sequence[Approved], now: dt.datetime) -> list[RenderRequest]:
    followups = [facts.followup for facts, _send in approved]
    baskets = {facts.followup.pk: remaining_basket(facts) for facts, _send in approved}
    vouchers = grant(
        [f for f in followups if f.step.incentive_id],
        {pk: basket.currency for pk, basket in baskets.items() if basket is not None},
        now,
    )
    tokens = create_links(
        [
            LinkRequest(f.pk, f.enrolment.contact_id, f.enrolment.cart_id, baskets[f.pk])
            for f in followups
        ],
        now,
    )
    requests = []
    for facts, send in approved:
        followup, option = facts.followup, send.choice.option
        basket = baskets[followup.pk]
        if basket is None:
            raise LookupError("The rules let a follow-up without a basket pass.")
        language = followup.enrolment.language
        requests.append(
            RenderRequest(
                channel=option.channel,
                address_kind=get_channel(option.channel).address_kind,
                template_code=option.template_code,
                language=language,
                basket=basket,
                restore_url=restore_url(tokens[followup.pk], language),
                **_own_links(followup, option.channel, language),
                voucher=vouchers.get(followup.pk),
                supports_reply=get_channel(option.channel).supports_reply,
                rests_on_sale=facts.reach.rests_on_sale(
                    followup.enrolment.contact, option.channel, followup.enrolment.campaign.purpose
                ),
            )
        )  # fmt: skip
    return requests


def _own_links(followup: FollowUp, channel: str, language: str) -> dict[str, str]:
    """Where the person ends these messages, and where they choose among them. An SMS has no room
    for both; the first leads to the second."""
    enrolment = followup.enrolment
    whose = (enrolment.contact_id, channel, enrolment.campaign.purpose, language)
    links = {"unsubscribe_url": unsubscribe.unsubscribe_url(*whose)}
    if get_channel(channel).address_kind == "email":
        links["preferences_url"] = unsubscribe.preferences_url(*whose)
    return links


def _draft(
    followup: FollowUp,
    request: RenderRequest,
    rendered: Rendered,
    now: dt.datetime,
    *,
    callback: str,
) -> Draft:
    address = followup.enrolment.contact.address_for(request.address_kind)
    message = _row(followup, now)
    message.channel = request.channel
    message.language = rendered.language
    message.to_address = address
    message.address_digest = address_digest(request.address_kind, address)
    message.subject = rendered.subject[:255]
    message.html = rendered.html
    message.text = rendered.text
    message.sms_parts = rendered.sms_parts
    message.reason = message.detail = ""
    is_mail = request.address_kind == "email"
    outgoing = OutgoingMessage(
        key=message.public_id,
        to=address,
        language=rendered.language,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=_mail_headers(followup, request) if is_mail else {},
        callback_url=f"{callback}?message={message.public_id}",
    )
    return Draft(followup=followup, message=message, outgoing=outgoing)


def _mail_headers(followup: FollowUp, request: RenderRequest) -> dict[str, str]:
    """What mail programs make their unsubscribe button of, and which list the mail belongs to."""
    mailbox = get_channel(request.channel).unsubscribe_mailbox
    enrolment = followup.enrolment
    purpose = enrolment.campaign.purpose
    token = unsubscribe.unsubscribe_token(enrolment.contact_id, request.channel, purpose)
    mailto = unsubscribe.mailto_url(mailbox, token) if mailbox else ""
    return {
        **unsubscribe.headers(request.unsubscribe_url, mailto=mailto),
        **unsubscribe.list_id(purpose),
    }


def _row(followup: FollowUp, now: dt.datetime) -> Message:
    """The message's row: the one of a call that surely failed, or a new one."""
    message = getattr(followup, "message", None)
    if isinstance(message, Message):
        message.attempts += 1
        return message
    return Message(
        followup=followup,
        contact_id=followup.enrolment.contact_id,
        public_id=new_public_id(),
        created_at=now,
    )


def _callback_url(channel: str) -> str:
    path = reverse("cart_recovery:webhook", kwargs={"channel": channel, "kind": "status"})
    return absolute_url(path)
