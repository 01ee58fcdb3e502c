"""What the review page shows: its products and forms as they stand, and what was just said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cart_recovery.conf import conf
from cart_recovery.models import Incentive, ReviewLink, ServiceRating
from cart_recovery.reviews import links, thanks
from cart_recovery.reviews.forms import (
    RATING,
    STARS,
    RatingForm,
    ReviewForm,
    rating_form,
    review_form,
    shown,
)
from cart_recovery.reviews.rating import is_editable
from cart_recovery.reviews.subjects import Subject, SubjectState, is_moderated, load_subjects
from cart_recovery.reviews.submitting import Outcome
from cart_recovery.shop.reviews import ReviewStatus
from cart_recovery.shop.vouchers import VoucherFacts

#: products on one page
MOST_PER_PART: Final = 100
#: name of the query parameter with the number of the part
PART_PARAMETER: Final = "part"
#: fields of the page beside those of its products, and some of a shop's own
OTHER_FIELDS: Final = 10
#: what is said of a product that nobody has reviewed
UNWRITTEN: Final[Mapping[SubjectState, Any]] = {
    SubjectState.OPEN: "",
    SubjectState.ENDED: gettext_lazy(
        "This was cancelled, returned or paid back: it needs no review."
    ),
    SubjectState.GONE: gettext_lazy("This is no longer in the shop and cannot be reviewed."),
    SubjectState.CLOSED: gettext_lazy("The shop takes no reviews of this."),
}


def page_context(
    request: HttpRequest, link: ReviewLink, outcome: Outcome, now: dt.datetime
) -> dict[str, Any]:
    """All that `review.html` shows: no name, no address, no price, nothing else of the order."""
    # as it stands after what was sent
    subjects = load_subjects(link, now)
    user_id = subjects.order.user_id if subjects.order is not None else None
    promises = thanks.still_promised([(link.followup, link.order_id)])
    incentive = promises.get(link.followup_id or 0)
    parts = _parts(request, len(subjects.all))
    shown_ones = next((part.of(subjects.all) for part in parts if part.is_current), subjects.all)
    return {
        "blocks": [_block(request, subject, outcome) for subject in shown_ones],
        "parts": parts if len(parts) > 1 else [],
        "takes_text": any(subject.takes_text for subject in subjects.all),
        "rating": _rating(request, link, outcome, now) if subjects.order is not None else None,
        "is_rating_first": links.SCORE_PARAMETER in request.GET and not outcome.is_answer,
        "has_account": user_id is not None,
        "is_moderated": is_moderated() or subjects.has_complaint,
        "stars": sorted(STARS),
        "is_answer": outcome.is_answer,
        "voucher": _voucher(outcome.voucher),
        "gift": _gift(incentive) if not outcome.is_voucher_owed else "",
        "is_voucher_owed": outcome.is_voucher_owed,
        "max_bytes": conf.REVIEW_PHOTO_MAX_BYTES,
        "max_megabytes": max(1, conf.REVIEW_PHOTO_MAX_BYTES // (1024 * 1024)),
    }


@dataclass(frozen=True, slots=True)
class Part:
    """So many of an order's products as one form may have fields."""

    number: int
    first: int
    last: int
    is_current: bool

    def of(self, subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
        return subjects[self.first - 1 : self.last]


def _parts(request: HttpRequest, count: int) -> list[Part]:
    size = _most_per_part()
    numbers = range(1, max(1, -(-count // size)) + 1)
    asked = request.GET.get(PART_PARAMETER, "")
    current = next((n for n in numbers if str(n) == asked), 1)
    return [
        Part(n, (n - 1) * size + 1, min(n * size, count), n == current) for n in numbers
    ]  # fmt: skip


def _most_per_part() -> int:
    """As many as Django reads fields of one form, and no more than a page can be looked through."""
    limit = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    if limit is None:
        return MOST_PER_PART
    return max(1, min(MOST_PER_PART, (limit - OTHER_FIELDS) // len(ReviewForm.base_fields)))


def _block(request: HttpRequest, subject: Subject, outcome: Outcome) -> dict[str, Any]:
    posted = request if request.method == "POST" else None
    judged = outcome.forms.get(subject.key)
    form = judged if isinstance(judged, ReviewForm) else review_form(subject, posted)
    is_kept = posted is not None and subject.key not in outcome.saved and form.is_touched
    if not is_kept:
        # as it stands after what was sent
        form = review_form(subject, None)
    is_judged = is_kept and judged is not None
    return {
        "subject": subject,
        "form": shown(form, is_kept=is_kept, is_judged=is_judged),
        "has_lost_photo": is_kept and (form.dropped is not None
                                       or (is_judged and "photo" in form.errors)
                                       or form.add_prefix("photo") in form.files),
        "is_photo_lost": subject.key in outcome.lost_photos,
        "is_saved": subject.key in outcome.saved,
        "is_refused": subject.key in outcome.refused,
        "has_photo": subject.row is not None and bool(subject.row.photo),
        "told": _told(subject),
    }  # fmt: skip


def _told(subject: Subject) -> str:
    """How it stands, in words; "" while nothing was written yet."""
    if subject.state in UNWRITTEN:
        return str(UNWRITTEN[subject.state])
    review = subject.review
    if review is None or review.status is ReviewStatus.REJECTED:
        return _("The shop has not published your review.")
    if review.status is ReviewStatus.WAITING:
        return _("Your review is there. Somebody of the shop reads it before it is published.")
    return _("Your review is published.")


def _rating(
    request: HttpRequest, link: ReviewLink, outcome: Outcome, now: dt.datetime
) -> dict[str, Any]:
    given = ServiceRating.objects.filter(order=link.order_id).first()
    posted = request if request.method == "POST" and outcome.rated is None else None
    tapped = request.GET.get(links.SCORE_PARAMETER, "") if not outcome.is_answer else ""
    judged = outcome.forms.get(RATING) if posted is not None else None
    form = judged if isinstance(judged, RatingForm) else rating_form(given, tapped, posted)
    scores = links.scores()
    return {
        "form": shown(
            form, is_kept=posted is not None and form.is_touched, is_judged=judged is not None
        ),
        "scores": scores, "best": scores[0], "worst": scores[-1], "given": given,
        "is_open": given is None or is_editable(given, now),
        "is_saved": outcome.rated is not None,
        "is_late": outcome.rated is not None
        and not outcome.rated.is_new and not outcome.rated.is_changed
        and not is_editable(outcome.rated.rating, now),
    }  # fmt: skip


def _gift(incentive: Incentive | None) -> str:
    return thanks.gift_text(incentive.kind, incentive.value) if incentive is not None else ""


def _voucher(voucher: VoucherFacts | None) -> dict[str, Any] | None:
    if voucher is None:
        return None
    gift = thanks.gift_text(voucher.kind, voucher.value, voucher.currency)
    return {"code": voucher.code, "gift": gift, "expires_at": voucher.expires_at}
