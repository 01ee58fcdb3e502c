"""Twelve submissions at the same moment, over real HTTP: one review, one rating, one voucher, one task."""

from __future__ import annotations

import http.client
import threading
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from cart_recovery import models
from tests import factories
from tests.incentives.test_granting import make_incentive
from tests.reviews import kit

pytestmark = pytest.mark.django_db(transaction=True)
TWELVE = 12


def post_at_once(base: str, path: str, forms: list[dict[str, str]]) -> list[tuple[int, str]]:
    """Send the forms together, each from a browser of its own that has seen the page."""
    host = urlsplit(base).netloc
    barrier = threading.Barrier(len(forms))
    answers: list[tuple[int, str]] = []

    def run(form: dict[str, str]) -> None:
        browser = http.client.HTTPConnection(host, timeout=120)
        browser.request("GET", path)
        browser.getresponse().read()
        barrier.wait()
        browser.request(
            "POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
        )
        answer = browser.getresponse()
        answers.append((answer.status, answer.read().decode()))
        browser.close()

    threads = [threading.Thread(target=run, args=[form]) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return answers


@pytest.mark.parametrize("has_account", [False, True])
def test_twelve_submissions_make_one_of_each(live_server: Any, has_account: bool) -> None:
    user = factories.make_user() if has_account else None
    order = kit.make_order(factories.make_product(), factories.make_product(), user=user)
    pot, cup = order.lines.order_by("pk")
    token = kit.make_link(order, thanks=make_incentive())
    form = {**kit.fields(pot), **kit.fields(cup), "rating-score": "6"}
    answers = post_at_once(live_server.url, kit.path_of(token), [form] * TWELVE)
    assert [status for status, _text in answers] == [200] * TWELVE
    assert sorted(r.product_id for r in kit.reviews()) == sorted((pot.product_id, cup.product_id))
    assert models.LineReview.objects.count() == 2
    assert models.ServiceRating.objects.count() == models.StaffTask.objects.count() == 1
    voucher = models.VoucherGrant.objects.get()
    assert all(voucher.code in text for _status, text in answers)


def test_what_different_people_type_at_once_is_one_of_their_texts(live_server: Any) -> None:
    order = kit.make_order()
    line = order.lines.get()
    followup = kit.make_request(order)
    first, second = (kit.make_link(order, followup=followup) for _n in range(2))
    forms = [kit.fields(line, title=f"Nummer {n}", score=str(n % 5 + 1)) for n in range(6)]
    results: list[list[tuple[int, str]]] = []
    threads = [
        threading.Thread(
            target=lambda token=token: results.append(
                post_at_once(live_server.url, kit.path_of(token), forms)
            )
        )
        for token in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    assert [status for answers in results for status, _text in answers] == [200] * TWELVE
    (review,) = kit.reviews()
    number = int(review.title.removeprefix("Nummer "))
    assert review.score == number % 5 + 1
