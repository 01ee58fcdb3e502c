"""Takes what the review page sends: each product by itself, so that one mistake loses nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.forms import Form
from django.http import HttpRequest

from cart_recovery.models import LineReview, RatingSource, ReviewLink
from cart_recovery.reviews import links, thanks
from cart_recovery.reviews.forms import RATING, foreign_keys, rating_form, review_form
from cart_recovery.reviews.rating import Answer, Rated, rate
from cart_recovery.reviews.subjects import Subject, Subjects
from cart_recovery.reviews.writing import write
from cart_recovery.shop.vouchers import VoucherFacts


@dataclass(slots=True)
class Outcome:
    """What became of a form that was sent."""

    #: keys of the subjects that stand as they were sent
    saved: set[str] = field(default_factory=set)
    #: those whose text could not be taken any more, whatever was typed
    refused: set[str] = field(default_factory=set)
    #: those whose photo could not be stored
    lost_photos: set[str] = field(default_factory=set)
    #: what was looked at, by its prefix or the key of its subject; of anything else nothing is read
    #: again, least of all a photo
    forms: dict[str, Form] = field(default_factory=dict)
    has_errors: bool = False
    is_foreign: bool = False
    rated: Rated | None = None
    new_review_ids: list[Any] = field(default_factory=list)
    voucher: VoucherFacts | None = None
    #: a message may have promised one, and none could be made
    is_voucher_owed: bool = False

    @property
    def is_answer(self) -> bool:
        return bool(self.saved) or self.rated is not None


def take(request: HttpRequest, link: ReviewLink, subjects: Subjects, now: dt.datetime) -> Outcome:
    """Save what is right of it. Of a form that names lines of another order nothing is saved."""
    outcome = Outcome()
    if subjects.order is None:
        return outcome
    if any(foreign_keys(request, {subject.key for subject in subjects.all})):
        outcome.is_foreign = outcome.has_errors = True
        return outcome
    # first: an unhappy customer's reviews wait until somebody has looked
    _take_rating(request, link, outcome, now)
    for subject in subjects.all:
        _take_review(request, link, subject, outcome, now)
    if outcome.is_answer:
        outcome.voucher = thanks.give(link.followup, link.order_id, link.contact_id, now)
        outcome.is_voucher_owed = outcome.voucher is None and thanks.is_owed(
            link.followup, link.order_id
        )
    if outcome.voucher is not None:
        LineReview.objects.filter(order=link.order_id).update(was_thanked=True)
    return outcome


def _take_rating(
    request: HttpRequest, link: ReviewLink, outcome: Outcome, now: dt.datetime
) -> None:
    form = rating_form(None, "", request)
    if not form.is_touched:
        return
    outcome.forms[RATING] = form
    if not form.is_valid():
        outcome.has_errors = True
        return
    source = RatingSource.MAIL if links.SCORE_PARAMETER in request.GET else RatingSource.PAGE
    answer = Answer(
        form.cleaned_data["score"], source, form.cleaned_data["comment"], link.followup_id
    )
    outcome.rated = rate(link.order_id, link.contact_id, answer, now)


def _take_review(
    request: HttpRequest, link: ReviewLink, subject: Subject, outcome: Outcome, now: dt.datetime
) -> None:
    form = review_form(subject, request)
    if not form.is_touched:
        return
    if not subject.takes_text:
        outcome.refused.add(subject.key)
        return
    outcome.forms[subject.key] = form
    if not form.is_valid():
        outcome.has_errors = True
        return
    if form.says_the_same(subject.review):
        outcome.saved.add(subject.key)
        return
    written = write(link, subject.key, form.draft, now)
    if written.review_id is None:
        outcome.refused.add(subject.key)
        return
    outcome.saved.add(subject.key)
    if written.is_photo_lost:
        outcome.lost_photos.add(subject.key)
    if written.is_new:
        outcome.new_review_ids.append(written.review_id)
