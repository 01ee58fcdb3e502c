"""Links to review an order and to rate the shop: made in bulk, found by the hash of their token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cart_recovery.conf import conf
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import ReviewLink
from cart_recovery.restore_links.tokens import (
    ExpiredTokenError,
    bare_token,
    hash_token,
    store_links,
)
from cart_recovery.shop.site import absolute_url, token_path

KIND = "review"
#: name of the query parameter with the tapped rating
SCORE_PARAMETER = "score"
#: what was begun while the link still worked can be sent
GRACE = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """A link to be made: for these lines of an order. `followup_id` None: it belongs to no campaign."""

    contact_id: int
    order_id: int
    line_ids: tuple[int, ...]
    followup_id: int | None


def create_review_tokens(items: Sequence[ReviewRequest], now: dt.datetime) -> list[str]:
    """A new token for each link, in their order. Only hashes are stored. One INSERT per batch."""
    return store_links(
        items,
        lambda item, token: ReviewLink(
            token_hash=hash_token(token, KIND), contact_id=item.contact_id,
            order_id=item.order_id, line_ids=[str(key) for key in item.line_ids],
            followup_id=item.followup_id, created_at=now,
            expires_at=now + conf.REVIEW_LINK_LIFETIME,
        ),
    )  # fmt: skip


def review_url(token: str, language: str) -> str:
    """The absolute URL of the page, in the language of its message where URLs carry one."""
    return absolute_url(token_path("review", token, language))


def rating_urls(token: str, language: str) -> tuple[tuple[int, str], ...]:
    """(score, URL) for each rating of the scale, the best first. Opening one rates nothing yet."""
    url = review_url(token, language)
    return tuple((score, f"{url}?{SCORE_PARAMETER}={score}") for score in scores())


def scores() -> tuple[int, ...]:
    """All ratings of the scale, the best first."""
    return scores_of(conf.RATING_SCALE["best"], conf.RATING_SCALE["worst"])


def scores_of(best: int, worst: int) -> tuple[int, ...]:
    step = 1 if worst > best else -1
    return tuple(range(best, worst + step, step))


def find_link(token: str, now: dt.datetime) -> ReviewLink:
    """The link of a token. Raises InvalidTokenError, and ExpiredTokenError after its time.

    The lookup goes by the hash, so how long it takes tells nothing about other tokens.
    """
    link = (
        ReviewLink.objects.select_related("contact", "followup__enrolment__campaign__thanks")
        .filter(token_hash=hash_token(bare_token(token), KIND))
        .first()
    )
    if link is None:
        raise InvalidTokenError("unknown token")
    if link.expires_at <= now:
        raise ExpiredTokenError("expired token")
    return link
