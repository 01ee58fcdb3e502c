"""Writes what somebody says of a product into Oscar's own reviews: once per line, safe to do at once."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from cart_recovery.models import LineReview, ReviewLink
from cart_recovery.restore_links.tokens import ATTEMPTS
from cart_recovery.reviews.rating import lock_order
from cart_recovery.reviews.subjects import Subject, Subjects, SubjectState, load_subjects
from cart_recovery.shop.reviews import ReviewText, change_review, create_review

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """What came in for one product. `photo` None: as it was, unless it is to go."""

    text: ReviewText
    photo: ContentFile[bytes] | None = None
    removes_photo: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """`state` says how it stands now; `review_id` is None where nothing could be written any more."""

    state: SubjectState
    review_id: Any | None = None
    is_new: bool = False
    #: the text is there, and the storage took no photo
    is_photo_lost: bool = False


def write(link: ReviewLink, key: str, draft: Draft, now: dt.datetime) -> Written:
    """Write or change the review of one subject of the link.

    What changed since the page was shown counts: a line that was paid back meanwhile takes none.
    """
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _once(link, key, draft, now)
        except IntegrityError:
            # the same user, at this moment, on the shop's own page
            continue
    return _once(link, key, draft, now)


def _once(link: ReviewLink, key: str, draft: Draft, now: dt.datetime) -> Written:
    with transaction.atomic():
        lock_order(link.order_id)
        subjects = load_subjects(link, now)
        subject = subjects.find(key)
        if subject is None or not subject.takes_text:
            return Written(subject.state if subject is not None else SubjectState.GONE)
        review_id = _text(link, subjects, subject, draft)
        is_kept = _rows(link, subject, review_id, draft, now)
        ReviewLink.objects.filter(pk=link.pk, answered_at=None).update(answered_at=now)
    is_new = subject.state is SubjectState.OPEN
    return Written(SubjectState.EDITABLE, review_id, is_new, is_photo_lost=not is_kept)


def _text(link: ReviewLink, subjects: Subjects, subject: Subject, draft: Draft) -> Any:
    """An unhappy customer is heard by somebody of the shop before everybody reads the text."""
    if subject.review is not None:
        change_review(subject.review.review_id, draft.text, is_held=subjects.has_complaint)
        return subject.review.review_id
    order = subjects.order
    text = draft.text
    if not text.name:
        text = ReviewText(text.score, text.title, text.body, anonymous_name())
    return create_review(
        subject.product_id, text, user_id=order.user_id if order else None,
        email=link.contact.email or (order.email if order else ""),
        is_held=subjects.has_complaint,
    )  # fmt: skip


def anonymous_name() -> str:
    """What stands for the name of a guest who gave none: never their real one. All read it beside the
    review, so it is in the shop's language, whatever the guest's."""
    with translation.override(settings.LANGUAGE_CODE):
        return _("Verified purchase")


def _rows(
    link: ReviewLink, subject: Subject, review_id: Any, draft: Draft, now: dt.datetime
) -> bool:
    """A row for each line that the customer still has; the photo hangs on the first one. Whether the
    photo was kept, if there is one."""
    known = {
        row.line_id: row for row in LineReview.objects.filter(line__in=subject.line_ids)
    }  # fmt: skip
    for line_id in subject.line_ids:
        if line_id not in known:
            known[line_id] = LineReview.objects.create(
                line_id=line_id, order_id=link.order_id, contact_id=link.contact_id, link=link,
                review_id=review_id, written_at=now,
            )  # fmt: skip
    LineReview.objects.filter(review=review_id).exclude(written_at=now).update(edited_at=now)
    holder = subject.row or known.get(subject.line_ids[0] if subject.line_ids else None)
    if holder is not None and (draft.photo is not None or draft.removes_photo):
        return _keep_photo(holder, draft.photo)
    return True


def _keep_photo(row: LineReview, photo: ContentFile[bytes] | None) -> bool:
    """Put the new photo in the place of the old one, whose file goes once that is certain. False
    where the storage, which may be elsewhere, does not take it: that costs nobody their text."""
    storage, old = row.photo.storage, row.photo.name
    if photo is None:
        row.photo = ""
    else:
        try:
            with transaction.atomic():
                row.photo.save("photo.jpg", photo, save=False)
        except Exception:
            logger.exception("The photo of a review cannot be stored.")
            return False
    try:
        row.save(update_fields=["photo"])
    except Exception:
        if photo is not None:
            storage.delete(str(row.photo.name))
        raise
    if old:
        transaction.on_commit(lambda: storage.delete(old), robust=True)
    return True
