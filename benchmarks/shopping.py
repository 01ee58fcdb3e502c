"""One shopper who puts things into baskets. Works in a worker, with the app or without."""

from __future__ import annotations

import gc
import time

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from oscar.core.loading import get_model

#: a basket that is added to again and again is left for a new one after so many times
ADDITIONS = 40


class Shopper:
    """Guests, as Django's test client: no network, no server, the whole request otherwise."""

    def __init__(self) -> None:
        products = get_model("catalogue", "Product").objects.order_by("pk")
        self._paths = [
            reverse("basket:add", kwargs={"pk": pk}) for pk in products.values_list("pk", flat=True)
        ]
        self._client = Client()
        self._additions = ADDITIONS

    def add_first(self) -> float:
        """Seconds of the first addition of a new guest."""
        return self._add(Client(), 0)

    def add_again(self) -> float:
        """Seconds of one more addition to a basket of three lines."""
        self.fill_basket()
        self._additions += 1
        return self._add(self._client, self._additions % 3)

    def fill_basket(self) -> None:
        """Make a new basket of three lines if the present one was added to often enough."""
        if self._additions < ADDITIONS:
            return
        self._client, self._additions = Client(), 0
        for number in range(3):
            self._add(self._client, number)

    def _add(self, client: Client, number: int) -> float:
        began = time.perf_counter()
        response = client.post(self._paths[number], {"quantity": 1})
        seconds = time.perf_counter() - began
        if response.status_code != 302:
            raise RuntimeError(f"Adding to the basket answered {response.status_code}")
        return seconds


_shopper: Shopper | None = None


def shopper() -> Shopper:
    global _shopper  # noqa: PLW0603 one per process, kept between calls from outside
    if _shopper is None:
        _shopper = Shopper()
    return _shopper


def warm_up(times: int) -> None:
    for _ in range(times):
        shopper().add_first()
        shopper().add_again()
    gc.collect()
    gc.freeze()


def add_both() -> tuple[float, float]:
    """Seconds of a first and of one more addition."""
    return shopper().add_first(), shopper().add_again()


def count_statements() -> tuple[int, int]:
    """What a first and one more addition ask of the database, in round trips."""
    # not in the middle of the count
    shopper().fill_basket()
    counts = []
    for add in (shopper().add_first, shopper().add_again):
        with CaptureQueriesContext(connection) as captured:
            add()
        counts.append(len(captured))
    return counts[0], counts[1]
