"""Whom the shop asked after the orders of the past, and what they said: reviews, ratings, tasks.

Real rows, as in `past_messages`: of a campaign that is switched off, with nothing left to send. The
orders count as told about until they were delivered, so that a change of today makes news of today only.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Final

from django.db import transaction
from oscar.core.loading import get_model

from cart_recovery.campaigns.mix import ChoiceReason
from cart_recovery.consent import ledger, wordings
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import (
    Campaign,
    ConsentAction,
    ConsentMethod,
    Contact,
    EnrolledLine,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    LineReview,
    Message,
    MessageState,
    Milestone,
    OrderMilestone,
    RatingSource,
    ReviewLink,
    RolledDay,
    ServiceRating,
    StaffTask,
    StaffTaskKind,
    Step,
    TrackedOrder,
    Trigger,
    Variant,
)
from sandbox_shop.past_messages import QUIET, by_day
from sandbox_shop.people import SEED
from sandbox_shop.reviews import SCORES, TEXTS

CODE: Final = "past-review"
MOST: Final = 120
DELIVERED_AFTER: Final = dt.timedelta(days=3)
DELAY: Final = dt.timedelta(days=5)
SMS_SHARE: Final = 0.3
REVIEW_SHARE: Final = {"email": 0.14, "sms": 0.1}
RATING_SHARE: Final = {"email": 0.17, "sms": 0.34}
#: over and over again, so that there are low ones whatever the day; and what people add to those
RATINGS: Final = (1, 5, 2, 1, 4, 3, 2, 6, 1, 2, 1, 2, 3, 1, 2, 1, 1, 2, 3, 1)
COMPLAINTS: Final = (
    "Das Paket lag zwei Tage bei einem Nachbarn, den ich nicht kenne.",
    "Die Tasse hatte einen Sprung.",
    "Drei Mails zu einer Bestellung sind zwei zu viel.",
)
#: how many of the newest reviews wait for moderation, and of the newest tasks for somebody
UNREAD: Final = 3
OPEN: Final = 2


@dataclass(slots=True)
class Request:
    """One request and what belongs to it, in the order in which it is written."""

    order: Any
    tracked: TrackedOrder
    enrolment: Enrolment
    followup: FollowUp
    message: Message
    link: ReviewLink
    milestones: list[OrderMilestone] = field(default_factory=list)
    lines: list[EnrolledLine] = field(default_factory=list)
    reviews: list[LineReview] = field(default_factory=list)
    reviewed: list[Any] = field(default_factory=list)
    rating: ServiceRating | None = None
    task: StaffTask | None = None


class PastRequests:
    """Makes the rows, the newest order first. The same chance each time: the same shop each time."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.chance = random.Random(SEED + 3)
        self.ratings = cycle(RATINGS)
        self.reviews = self.tasks = 0
        self.step, self.variants = _install_campaign()
        review_model = get_model("reviews", "ProductReview")
        self.written = set(review_model.objects.values_list("product_id", "user_id"))

    def ask(self, order: Any, contact: Contact) -> Request | None:
        """The request about one order, and the answer if there is one; None if it would be too new."""
        delivered_at = order.date_placed + DELIVERED_AFTER
        at = by_day(delivered_at + DELAY) + dt.timedelta(seconds=self.chance.randint(5, 300))
        if at > self.now - QUIET:
            return None
        is_text = bool(contact.phone) and self.chance.random() < SMS_SHARE
        request = self._request(order, contact, "sms" if is_text else "email", at)
        lines = list(order.lines.all())
        request.link.line_ids = [str(line.pk) for line in lines]
        for line in lines:
            request.lines.append(
                EnrolledLine(enrolment=request.enrolment, line=line, quantity=line.quantity)
            )
            request.milestones += self._milestones(request.tracked, line, delivered_at)
        self._answer(request, order, lines)
        return request

    def _request(self, order: Any, contact: Contact, channel: str, at: dt.datetime) -> Request:
        tracked = TrackedOrder(
            order=order, contact=contact, language="de", created_at=order.date_placed
        )
        enrolment = Enrolment(
            campaign=self.step.campaign, contact=contact, order=tracked, key="past",
            state=EnrolmentState.COMPLETED, clock_at=at - DELAY, enrolled_at=at - DELAY, ended_at=at,
        )  # fmt: skip
        followup = FollowUp(
            enrolment=enrolment, step=self.step, variant=self.variants[channel],
            state=FollowUpState.DONE, planned_for=at, due_at=at, ended_at=at,
            choice_reason=ChoiceReason.DRAWN,
        )  # fmt: skip
        is_mail = channel == "email"
        address = contact.email if is_mail else contact.phone.as_e164
        kind = "email" if is_mail else "phone"
        message = Message(
            followup=followup, contact=contact, channel=channel, language="de",
            public_id=f"{self.chance.getrandbits(128):032x}", state=MessageState.DELIVERED,
            to_address=address, address_digest=address_digest(kind, address),
            subject="Wie zufrieden sind Sie mit Ihrer Bestellung?" if is_mail else "",
            text="Wie zufrieden sind Sie mit Ihrer Bestellung?", sms_parts=0 if is_mail else 1,
            sending_at=at, sent_at=at, created_at=at, delivered_at=at + dt.timedelta(seconds=9),
        )  # fmt: skip
        link = ReviewLink(
            # the hash of no token that anybody knows
            token_hash=f"{self.chance.getrandbits(256):064x}", contact=contact, order=order,
            followup=followup, created_at=at, expires_at=at + dt.timedelta(days=90),
        )  # fmt: skip
        return Request(order, tracked, enrolment, followup, message, link)

    def _milestones(
        self, tracked: TrackedOrder, line: Any, delivered_at: dt.datetime
    ) -> list[OrderMilestone]:
        return [
            OrderMilestone(
                tracked=tracked, kind=kind, line=line, quantity=line.quantity, group="past",
                key=f"{line.pk}x{line.quantity}", is_complete=True, reached_at=reached_at,
            )
            for kind, reached_at in (
                (Milestone.SHIPPED, delivered_at - dt.timedelta(days=1)),
                (Milestone.DELIVERED, delivered_at),
            )
        ]  # fmt: skip

    def _answer(self, request: Request, order: Any, lines: Sequence[Any]) -> None:
        channel, sent_at = request.message.channel, request.link.created_at
        at = sent_at + dt.timedelta(minutes=self.chance.randint(4, 2400))
        if at > self.now - dt.timedelta(hours=1):
            return
        if self.chance.random() < REVIEW_SHARE[channel]:
            request.reviews += [
                review for line in lines if (review := self._review(request, line, at))
            ]
        if self.chance.random() < RATING_SHARE[channel]:
            self._rate(request, order, at)
        if request.reviews or request.rating:
            request.link.answered_at = at

    def _review(self, request: Request, line: Any, at: dt.datetime) -> LineReview | None:
        product_id = line.product.parent_id or line.product_id
        user = request.order.user
        if (product_id, user.pk) in self.written:
            return None
        self.written.add((product_id, user.pk))
        model = get_model("reviews", "ProductReview")
        score = self.chance.choices(list(SCORES), weights=list(SCORES.values()))[0]
        title, body = self.chance.choice(TEXTS[score])
        self.reviews += 1
        is_read = self.reviews > UNREAD
        review = model.objects.create(
            product_id=product_id, user=user, score=score, title=title, body=body,
            status=model.APPROVED if is_read else model.FOR_MODERATION,
        )  # fmt: skip
        model.objects.filter(pk=review.pk).update(date_created=at)
        request.reviewed.append(review.product)
        return LineReview(
            line=line, order=request.order, contact=request.link.contact, link=request.link,
            review=review, written_at=at,
        )  # fmt: skip

    def _rate(self, request: Request, order: Any, at: dt.datetime) -> None:
        score = next(self.ratings)
        is_text = request.message.channel == "sms"
        rating = ServiceRating(
            order=order, contact=request.link.contact, score=score, best=1, worst=6,
            source=RatingSource.SMS if is_text else RatingSource.MAIL, followup=request.followup,
            rated_at=at,
        )  # fmt: skip
        request.rating = rating
        if not rating.is_low:
            return
        rating.comment = self.chance.choice(COMPLAINTS)
        self.tasks += 1
        is_done = self.tasks > OPEN
        request.task = StaffTask(
            kind=StaffTaskKind.LOW_RATING, order=order, contact=request.link.contact, opened_at=at,
            closed_at=at + dt.timedelta(hours=5) if is_done else None,
            note="Angerufen und entschuldigt, Ersatz ist unterwegs." if is_done else "",
        )  # fmt: skip


@transaction.atomic
def install_answers(now: dt.datetime) -> bool:
    """Write the requests of the past and their answers, where there are none; whether it did."""
    if Campaign.objects.filter(code=CODE).exists():
        return False
    made = PastRequests(now)
    contacts = {c.user_id: c for c in Contact.objects.filter(user__isnull=False, email__gt="")}
    orders = (
        get_model("order", "Order")
        .objects.filter(status="Delivered", user__in=contacts)
        .exclude(pk__in=TrackedOrder.objects.filter(order__isnull=False).values("order"))
        .prefetch_related("lines__product")
        .order_by("-date_placed")
    )
    asked = (made.ask(order, contacts[order.user_id]) for order in orders)
    # the latest ones, written in the order in which they were sent
    requests = list(islice(filter(None, asked), MOST))[::-1]
    _agree(requests)
    _write(requests)
    RolledDay.objects.mark_stale(request.message.sent_at for request in requests)
    for product in {product for request in requests for product in request.reviewed}:
        product.update_rating()
    return True


def _agree(requests: Sequence[Request]) -> None:
    """Nobody was asked who had not said yes."""
    agreed: dict[tuple[int, str], dt.datetime] = {}
    for request in requests:
        key = request.message.contact_id or 0, request.message.channel
        placed_at = request.tracked.created_at
        agreed[key] = min(placed_at, agreed.get(key, placed_at))
    contacts = {request.message.contact_id: request.message.contact for request in requests}
    for (contact_id, channel), at in sorted(agreed.items(), key=lambda item: item[1]):
        wording = wordings.current(f"reviews-{channel}", "de")
        ledger.record(
            contacts[contact_id], channel=channel, purposes=wording.purposes,
            action=ConsentAction.GRANTED, method=ConsentMethod.DOUBLE, source="sandbox",
            wording=wording, now=at,
        )  # fmt: skip


def _write(requests: Sequence[Request]) -> None:
    """Each kind of row at once, what is pointed to before what points to it."""
    TrackedOrder.objects.bulk_create(request.tracked for request in requests)
    Enrolment.objects.bulk_create(request.enrolment for request in requests)
    FollowUp.objects.bulk_create(request.followup for request in requests)
    Message.objects.bulk_create(request.message for request in requests)
    ReviewLink.objects.bulk_create(request.link for request in requests)
    OrderMilestone.objects.bulk_create(row for request in requests for row in request.milestones)
    EnrolledLine.objects.bulk_create(row for request in requests for row in request.lines)
    reviews = [row for request in requests for row in request.reviews]
    ratings = [request.rating for request in requests if request.rating is not None]
    tasks = [request.task for request in requests if request.task is not None]
    LineReview.objects.bulk_create(sorted(reviews, key=lambda row: row.written_at))
    ServiceRating.objects.bulk_create(sorted(ratings, key=lambda row: row.rated_at))
    StaffTask.objects.bulk_create(sorted(tasks, key=lambda row: row.opened_at))


def _install_campaign() -> tuple[Step, dict[str, Variant]]:
    """The campaign of the past with its step; variants by channel."""
    campaign = Campaign.objects.create(
        code=CODE, name="Bewertungsanfrage (alte Fassung)", trigger=Trigger.REVIEW_REQUEST,
        starts_with=Milestone.DELIVERED, priority=900,
    )  # fmt: skip
    step = Step.objects.create(campaign=campaign, position=1, delay=DELAY)
    return step, {
        channel: Variant.objects.create(
            step=step, channel=channel, weight=weight, template_code="review-request-1"
        )
        for channel, weight in (("email", 70), ("sms", 30))
    }
