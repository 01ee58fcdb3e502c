"""Thanks: for everybody who answers, whatever they say, once per order, shown to who sent something."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.incentives import thanking
from cart_recovery.incentives.purging import purge_expired
from tests import factories
from tests.incentives.test_granting import discount, make_incentive
from tests.pages import words
from tests.reviews import kit

pytestmark = pytest.mark.django_db


def code() -> str:
    return models.VoucherGrant.objects.get().code


@pytest.mark.parametrize("score", ["1", "5"])
def test_review_is_thanked_for_whatever_its_stars(client: Client, score: str) -> None:
    order = kit.make_order()
    token = kit.make_link(order, thanks=make_incentive())
    before = words(client.get(kit.path_of(token)))
    assert "10 %" in before
    answer = kit.send(client, token, kit.fields(order.lines.get(), score=score))
    assert code() in words(answer)
    basket = factories.make_basket(factories.make_product(price="100.00"))
    assert discount(basket, code())[0] == Decimal("10.00")
    assert models.LineReview.objects.get().was_thanked


@pytest.mark.parametrize("score", ["1", "6"])
def test_rating_alone_is_thanked_for(client: Client, score: str) -> None:
    token = kit.make_link(kit.make_order(), thanks=make_incentive())
    assert code_in(kit.send(client, token, {"rating-score": score}))


def code_in(answer: Any) -> bool:
    return code() in words(answer)


def test_voucher_shows_to_who_sends_and_not_to_who_opens(client: Client) -> None:
    order = kit.make_order()
    token = kit.make_link(order, thanks=make_incentive())
    kit.send(client, token, {"rating-score": "2"})
    page = words(client.get(kit.path_of(token)))
    assert code() not in page
    # it is promised to nobody twice
    assert "10 %" not in page
    assert code_in(kit.send(client, token, kit.fields(order.lines.get())))
    assert models.VoucherGrant.objects.count() == 1


def test_nothing_is_given_for_nothing(client: Client) -> None:
    order = kit.make_order()
    token = kit.make_link(order, thanks=make_incentive())
    kit.send(client, token)
    kit.send(client, token, kit.fields(order.lines.get(), body=""))
    assert not models.VoucherGrant.objects.exists()


def test_nothing_is_promised_where_the_campaign_gives_nothing(client: Client) -> None:
    for thanks in (None, make_incentive(value=Decimal(0))):
        order = kit.make_order()
        token = kit.make_link(order, thanks=thanks)
        assert "%" not in words(client.get(kit.path_of(token)))
        assert kit.send(client, token, {"rating-score": "1"}).status_code == 200
    assert not models.VoucherGrant.objects.exists()


def test_failing_voucher_costs_nobody_their_review(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("no vouchers today")

    monkeypatch.setattr(thanking, "create_vouchers", fail)
    order = kit.make_order()
    token = kit.make_link(order, thanks=make_incentive())
    assert kit.send(client, token, kit.fields(order.lines.get())).status_code == 200
    assert len(kit.reviews()) == 1


def test_suspended_offer_is_promised_to_nobody_and_staff_hear_of_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    incentive = make_incentive(valid_for=dt.timedelta(days=30))
    first, second = kit.make_order(), kit.make_order()
    kit.send(client, kit.make_link(first, thanks=incentive), {"rating-score": "2"})
    get_model("offer", "ConditionalOffer").objects.update(status="Suspended")
    token = kit.make_link(second, followup=kit.make_request(second, thanks=incentive))
    assert "10 %" not in words(client.get(kit.path_of(token)))
    answer = kit.send(client, token, {"rating-score": "2"})
    # the message may have promised it before
    assert (answer.status_code, "Gutschein versprochen" in words(answer)) == (200, True)
    assert [r.levelname for r in caplog.records if f"order {second.pk}" in r.getMessage()] == [
        "ERROR"
    ]
    # who has had theirs is owed nothing
    token = kit.make_link(first, followup=models.FollowUp.objects.earliest("pk"))
    models.VoucherGrant.objects.update(expires_at=timezone.now())
    answer = kit.send(client, token, {"rating-score": "2"})
    assert "Gutschein versprochen" not in words(answer)


def test_expired_one_goes_like_any_other_and_comes_not_again(client: Client) -> None:
    order = kit.make_order()
    token = kit.make_link(order, thanks=make_incentive(valid_for=dt.timedelta(days=1)))
    kit.send(client, token, {"rating-score": "2"})
    later = timezone.now() + dt.timedelta(days=2)
    assert purge_expired(later, 10) == 1
    assert not get_model("voucher", "Voucher").objects.exists()
    answer = kit.send(client, token, kit.fields(order.lines.get()))
    assert code() not in words(answer)
    assert models.VoucherGrant.objects.count() == 1
