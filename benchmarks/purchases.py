"""A shop with many order lines, and what is bought together in it. Works in a worker."""

from __future__ import annotations

import datetime as dt
import time
from typing import Final

from django.db import connection
from oscar.core.loading import get_model

from benchmarks import series
from cart_recovery.models import BoughtTogether, PairingProgress
from cart_recovery.recommendations import computing

#: fifteen lines are five orders, of one line to five
LINES_PER_ROUND: Final = 15
ORDERS_PER_ROUND: Final = 5
DAYS: Final = 600
ROWS: Final = 250_000
#: a plain pair query, as one would write it: nothing capped, nothing left out, nothing kept
PLAIN: Final = (
    "SELECT COUNT(*), SUM(orders) FROM (SELECT a.product_id, b.product_id AS partner_id,"
    " COUNT(*) AS orders FROM order_line a JOIN order_line b"
    " ON b.order_id = a.order_id AND b.product_id <> a.product_id"
    " GROUP BY a.product_id, b.product_id) pairs"
)


def fill(lines: int, products: int, start: dt.datetime) -> None:
    """`lines` order lines over `products` products, a few of which are bought far more often."""
    product, order, line = (
        get_model(app, name)
        for app, name in (("catalogue", "Product"), ("order", "Order"), ("order", "Line"))
    )
    product_class = get_model("catalogue", "ProductClass").objects.values_list("pk", flat=True)[0]
    partner = get_model("partner", "Partner").objects.values_list("pk", flat=True)[0]
    first = series.last_key(product) + 1
    orders = lines // LINES_PER_ROUND * ORDERS_PER_ROUND
    n = "CAST(series.n AS BIGINT)"
    with series.trusted_keys():
        series.insert(
            product, (first, first + products - 1), id="series.n", structure="'standalone'",
            title="'Ware ' || series.n", slug="'ware-' || series.n", is_public="true",
            upc="'bench-' || series.n", product_class=str(product_class),
            date_created=series.at(start), date_updated=series.at(start),
        )  # fmt: skip
        for low in range(1, orders + 1, ROWS):
            series.insert(
                order, (low, min(orders, low + ROWS - 1)), id="series.n",
                number="'B' || series.n", currency="'EUR'", status="'Complete'",
                date_placed=series.before(start, f"{n} * 7919 % {DAYS * 86_400}"),
            )  # fmt: skip
        place = f"({n} - 1) % {LINES_PER_ROUND}"
        within = "".join(
            f" WHEN {place} < {upper} THEN {i}" for i, upper in enumerate((1, 3, 6, 10))
        )
        skewed = f"({n} * 7919 % 100003) * ({n} * 104729 % 99991) / 99991"
        for low in range(1, lines + 1, ROWS):
            series.insert(
                line, (low, min(lines, low + ROWS - 1)), id="series.n", quantity="1",
                order=f"1 + ({n} - 1) / {LINES_PER_ROUND} * {ORDERS_PER_ROUND}"
                f" + CASE{within} ELSE 4 END",
                product=f"{first} + {skewed} * {products} / 100003",
                partner=str(partner), title="'Ware'", status="'Complete'",
            )  # fmt: skip
    series.settle([product, order, line])


def pair_plainly() -> float:
    """Seconds that the plain SQL takes."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(PLAIN)
        cursor.fetchall()
    return time.perf_counter() - began


def rebuild(now: dt.datetime) -> tuple[float, int]:
    """Seconds from an empty table to the partners of all products, and how many rows these are."""
    PairingProgress.objects.all().delete()
    series.empty([BoughtTogether])
    began = time.perf_counter()
    computing.run_to_end(now, rebuild=True)
    return time.perf_counter() - began, BoughtTogether.objects.count()


def sweep_through(now: dt.datetime) -> list[float]:
    """Seconds of each sweep's portion until all products are rebuilt."""
    computing.start_rebuild(now)
    took = []
    while PairingProgress.objects.filter(rebuilt_to__isnull=False).exists():
        began = time.perf_counter()
        computing.run(now)
        took.append(time.perf_counter() - began)
    return took
