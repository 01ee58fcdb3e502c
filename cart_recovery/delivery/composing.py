"""From follow-ups that may go out to rendered drafts: vouchers, links, texts, all in bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cart_recovery.channels.registry import get_channel
from cart_recovery.consent import unsubscribe
from cart_recovery.delivery.cart_requests import Subject, cart_subjects
from cart_recovery.delivery.order_requests import order_subjects
from cart_recovery.delivery.outbox import Draft
from cart_recovery.delivery.suggesting import suggesting_templates
from cart_recovery.delivery.writing import Recipient, callback_url, fill, row_of
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.verdicts import Send, Skip
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import FollowUp, Reason
from cart_recovery.rendering.batches import render_batch
from cart_recovery.rendering.requests import Rendered, RenderRequest

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
    for facts, send in approved:
        facts.followup.variant_id = send.choice.option.variant_id
        facts.followup.choice_reason = send.choice.describe()
    worded = []
    for item, request in zip(approved, _requests(approved, now), strict=True):
        if isinstance(request, Skip):
            result.failed.append((item[0].followup, request))
        else:
            worded.append((item[0].followup, request))
    requests = [request for _followup, request in worded]
    callbacks = {channel: callback_url(channel) for channel in {r.channel for r in requests}}
    for (followup, request), rendered in zip(worded, render_batch(requests), strict=True):
        if isinstance(rendered, RenderingError):
            reason = f"{rendered.field} {rendered.line or ''}: {rendered.reason}"
            result.failed.append((followup, Skip(Reason.TEMPLATE_ERROR, detail=reason)))
        else:
            callback = callbacks[request.channel]
            result.drafts.append(_draft(followup, request, rendered, now, callback=callback))
    return result


def _requests(approved: Sequence[Approved], now: dt.datetime) -> list[RenderRequest | Skip]:
    """In the order given. Carts and orders differ in what is said, not in how it is sent."""
    suggesting = suggesting_templates(
        {send.choice.option.template_code for _facts, send in approved}
    )
    about_orders = [item for item in approved if item[0].order is not None]
    about_carts = [item for item in approved if item[0].order is None]
    subjects = {
        **cart_subjects(about_carts, now, suggesting=suggesting),
        **order_subjects(about_orders, now, suggesting=suggesting),
    }
    requests: list[RenderRequest | Skip] = []
    for facts, send in approved:
        followup, option = facts.followup, send.choice.option
        subject = subjects[followup.pk]
        if isinstance(subject, Skip):
            requests.append(subject)
            continue
        enrolment, channel = followup.enrolment, get_channel(option.channel)
        requests.append(
            RenderRequest(
                channel=option.channel,
                address_kind=channel.address_kind,
                template_code=option.template_code,
                language=enrolment.language,
                **_own_links(followup, option.channel, enrolment.language),
                supports_reply=channel.supports_reply,
                rests_on_sale=facts.reach.rests_on_sale(
                    enrolment.contact, option.channel, enrolment.campaign.purpose
                ),
                **subject,
            )
        )
    return requests


def _own_links(followup: FollowUp, channel: str, language: str) -> Subject:
    """Where the person ends these messages, and where they choose among them. An SMS has no room
    for both; the first leads to the second."""
    enrolment = followup.enrolment
    whose = (enrolment.contact_id, channel, enrolment.campaign.purpose, language)
    links: Subject = {"unsubscribe_url": unsubscribe.unsubscribe_url(*whose)}
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
    contact = followup.enrolment.contact
    to = Recipient(
        request.channel, request.address_kind, contact.address_for(request.address_kind)
    )  # fmt: skip
    is_mail = request.address_kind == "email"
    message = row_of(followup, contact.pk, now)
    outgoing = fill(
        message, rendered, to, callback=callback,
        headers=_mail_headers(followup, request) if is_mail else {},
    )  # fmt: skip
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
