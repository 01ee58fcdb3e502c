"""What came of review requests: by product, by channel and delay, by rating. Bound by a period."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q
from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.models import EnrolledLine, LineReview, ReviewLink, ServiceRating
from cart_recovery.reports.dashboard import Period
from cart_recovery.reports.keeping import kept
from cart_recovery.shop.reviews import product_titles, shown_products

#: products that are named; those that were asked about most
MOST_PRODUCTS: Final = 50


@dataclass(frozen=True, slots=True)
class OfProduct:
    """`asked`: lines that were asked about; `stars` is None where nobody has reviewed it."""

    title: str
    asked: int
    reviewed: int
    stars: Decimal | None


@dataclass(frozen=True, slots=True)
class OfWay:
    """How many requests of one channel and delay left, and how many of them were answered."""

    channel: str
    delay: dt.timedelta
    asked: int
    answered: int

    @property
    def share(self) -> Decimal | None:
        return Decimal(self.answered) / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class OfScale:
    """Ratings that were given on one scale: a 5 of one is no 5 of another."""

    best: int
    worst: int
    #: rating -> how many gave it
    ratings: dict[int, int]

    @property
    def count(self) -> int:
        return sum(self.ratings.values())

    @property
    def average(self) -> Decimal | None:
        total = sum(score * n for score, n in self.ratings.items())
        return (Decimal(total) / self.count).quantize(Decimal("0.01")) if self.count else None


@dataclass(frozen=True, slots=True)
class Results:
    products: list[OfProduct]
    has_more_products: bool
    ways: list[OfWay]
    #: those of the shop's scale first
    scales: list[OfScale]


def kept_results(period: Period) -> tuple[dt.datetime, Results]:
    """When they were counted, and the results: from the cache for a while, since a long period of a
    big shop holds many rows."""
    name = f"reviews.{period.since}.{period.until}"
    return kept(name, lambda: load_results(period))


def load_results(period: Period) -> Results:
    """Counted anew: seven queries, each by the index on a moment of its table."""
    products = _products(period)
    return Results(
        products=products[:MOST_PRODUCTS],
        has_more_products=len(products) > MOST_PRODUCTS,
        ways=_ways(period),
        scales=_scales(period),
    )


def _within(field: str, period: Period) -> Q:
    start = timezone.make_aware(dt.datetime.combine(period.since, dt.time.min))
    end = timezone.make_aware(dt.datetime.combine(period.until + dt.timedelta(days=1), dt.time.min))
    return Q(**{f"{field}__gte": start, f"{field}__lt": end})


def _ways(period: Period) -> list[OfWay]:
    """Of requests that left. One that was refused first and sent anew has a link for each attempt."""
    sent = ReviewLink.objects.filter(
        _within("created_at", period), followup__message__sent_at__isnull=False
    )
    is_answered = Q(answered_at__isnull=False)
    rows = (
        sent.order_by()
        .values_list("followup__message__channel", "followup__step__delay")
        .annotate(
            asked=Count("followup", distinct=True),
            answered=Count("followup", distinct=True, filter=is_answered),
        )
    )
    return [OfWay(*row) for row in sorted(rows)]


def _scales(period: Period) -> list[OfScale]:
    rows = ServiceRating.objects.filter(_within("rated_at", period)).order_by()
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for best, worst, score, count in rows.values_list("best", "worst", "score").annotate(
        Count("pk")
    ):
        found[best, worst][score] = count
    own = (conf.RATING_SCALE["best"], conf.RATING_SCALE["worst"])
    return [
        OfScale(*scale, found[scale])
        for scale in sorted(found, key=lambda scale: (scale != own, scale))
    ]


def _products(period: Period) -> list[OfProduct]:
    asked = _asked(period)
    reviewed, stars = _reviewed(period)
    keys = {key for key, _count in (asked + reviewed).most_common(MOST_PRODUCTS + 1)}
    titles = product_titles(keys)
    found = [
        OfProduct(
            title=titles[key], asked=asked[key], reviewed=reviewed[key],
            stars=_average(stars[key]),
        )
        for key in keys
        if key in titles
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row.asked, -row.reviewed, row.title))


def _asked(period: Period) -> Counter[Any]:
    """How many lines of each product left in a request; a reminder asks about the same ones."""
    lines = EnrolledLine.objects.filter(
        _within("enrolment__enrolled_at", period),
        line__isnull=False,
        enrolment__followups__review_links__isnull=False,
        enrolment__followups__message__sent_at__isnull=False,
    )
    rows = lines.order_by().values_list("line__product").annotate(Count("pk", distinct=True))
    return _by_shown(rows)


def _reviewed(period: Period) -> tuple[Counter[Any], dict[Any, Counter[int]]]:
    rows = (
        LineReview.objects.filter(_within("written_at", period), review__isnull=False)
        .order_by()
        .values_list("review__product", "review__score")
        .annotate(Count("review", distinct=True))
    )
    counts: Counter[Any] = Counter()
    stars: dict[Any, Counter[int]] = defaultdict(Counter)
    for product, score, count in rows:
        counts[product] += count
        stars[product][score] += count
    return counts, stars


def _by_shown(rows: Iterable[tuple[Any, int]]) -> Counter[Any]:
    counts = Counter({key: count for key, count in rows if key is not None})
    shown = shown_products(counts.keys())
    summed: Counter[Any] = Counter()
    for key, count in counts.items():
        summed[shown.get(key, key)] += count
    return summed


def _average(stars: Counter[int]) -> Decimal | None:
    count = sum(stars.values())
    total = sum(score * n for score, n in stars.items())
    return (Decimal(total) / count).quantize(Decimal("0.1")) if count else None
