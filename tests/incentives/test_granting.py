from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_class, get_model

from cart_recovery import models
from cart_recovery.incentives.granting import grant
from cart_recovery.shop import vouchers
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def make_incentive(**kwargs):
    defaults = {
        "name": "Zehn Prozent", "kind": models.IncentiveKind.PERCENTAGE, "value": Decimal(10),
        "valid_for": dt.timedelta(days=3),
    }  # fmt: skip
    return models.Incentive.objects.create(**{**defaults, **kwargs})


def make_followups(count, incentive):
    """Follow-ups of one step with the incentive, as the delivery loads them."""
    campaign = factories.make_campaign()
    campaign.steps.update(incentive=incentive)
    made = [
        factories.make_followup(campaign=campaign, basket=factories.make_basket())
        for _ in range(count)
    ]
    rows = models.FollowUp.objects.filter(pk__in=[f.pk for f in made])
    return list(rows.select_related("step__incentive").order_by("pk"))


def discount(basket, code):
    """What Oscar takes off the basket (and off 4.00 shipping) for the code."""
    basket.vouchers.add(get_model("voucher", "Voucher").objects.get(code=code))
    basket.reset_offer_applications()
    get_class("offer.applicator", "Applicator")().apply(basket, AnonymousUser())
    shipping = sum(
        a["offer"].shipping_discount(Decimal("4.00"))
        for a in basket.offer_applications
        if a["result"].affects_shipping
    )
    return basket.total_discount, shipping


def test_each_followup_gets_a_code_of_its_own_that_oscar_accepts():
    followups = make_followups(3, make_incentive())
    facts = grant(followups, dict.fromkeys([f.pk for f in followups], "EUR"), NOW)
    assert len({f.code for f in facts.values()}) == 3
    first = facts[followups[0].pk]
    assert (first.kind, first.value, first.currency) == ("percentage", Decimal(10), "EUR")
    assert first.expires_at == NOW + dt.timedelta(days=3)
    basket = factories.make_basket(factories.make_product(price="20.00"))
    assert discount(basket, first.code) == (Decimal("2.00"), 0)
    stored = get_model("voucher", "Voucher").objects.get(code=first.code)
    assert stored.usage == stored.SINGLE_USE
    assert stored.code == stored.code.upper()


@pytest.mark.parametrize(
    ("terms", "price", "expected"),
    [
        ({"kind": "percentage", "value": 25}, "20.00", ("5.00", "0")),
        ({"kind": "percentage", "value": 100}, "20.00", ("20.00", "0")),
        ({"kind": "fixed_amount", "value": 5}, "20.00", ("5.00", "0")),
        ({"kind": "fixed_amount", "value": 50}, "20.00", ("20.00", "0")),
        ({"kind": "free_shipping", "value": 0}, "20.00", ("0", "4.00")),
        ({"kind": "percentage", "value": 10, "minimum_basket": 30}, "20.00", ("0", "0")),
        ({"kind": "percentage", "value": 10, "minimum_basket": 30}, "30.00", ("3.00", "0")),
        ({"kind": "free_shipping", "value": 0, "minimum_basket": 30}, "29.99", ("0", "0")),
        ({"kind": "free_shipping", "value": 0, "minimum_basket": 30}, "30.00", ("0", "4.00")),
        ({"kind": "fixed_amount", "value": 5, "minimum_basket": 0}, "20.00", ("5.00", "0")),
    ],
)
def test_each_kind_gives_what_it_says(terms, price, expected):
    (followup,) = make_followups(1, make_incentive(**terms))
    facts = grant([followup], {}, NOW)[followup.pk]
    basket = factories.make_basket(factories.make_product(price=price))
    assert discount(basket, facts.code) == tuple(map(Decimal, expected))
    assert facts.minimum_basket == (terms.get("minimum_basket") or None)


def test_the_code_stays_the_same_when_the_message_is_made_again():
    (followup,) = make_followups(1, make_incentive())
    assert grant([followup], {}, NOW) == grant([followup], {}, NOW + dt.timedelta(hours=1))
    assert models.VoucherGrant.objects.count() == 1


@pytest.mark.parametrize("loss", ["expired", "voucher deleted", "offer deleted", "suspended"])
def test_a_code_that_does_not_work_any_more_is_not_promised_again(loss):
    incentive = make_incentive()
    (followup,) = make_followups(1, incentive)
    before = NOW - dt.timedelta(days=4 if loss == "expired" else 1)
    old = grant([followup], {}, before)[followup.pk]
    incentive.refresh_from_db()
    if loss == "voucher deleted":
        get_model("voucher", "Voucher").objects.all().delete()
    if loss == "offer deleted":
        incentive.offer.delete()
    if loss == "suspended":
        incentive.offer.suspend()
        assert grant([followup], {}, NOW) == {}
        return
    (followup,) = models.FollowUp.objects.select_related("step__incentive")
    new = grant([followup], {}, NOW)[followup.pk]
    assert new.code != old.code
    assert discount(factories.make_basket(factories.make_product()), new.code)[0] > 0


def test_a_changed_incentive_gets_a_new_offer_and_old_codes_keep_their_promise():
    incentive = make_incentive()
    (first,) = make_followups(1, incentive)
    old = grant([first], {}, NOW)[first.pk]
    models.Incentive.objects.update(value=20)
    (second,) = make_followups(1, incentive)
    new = grant([second], {}, NOW)[second.pk]
    assert (old.value, new.value) == (10, 20)
    # made again, the first message still tells the truth about its code
    first.refresh_from_db()
    assert grant([first], {}, NOW)[first.pk].value == 10
    product = factories.make_product(price="10.00")
    assert discount(factories.make_basket(product), old.code)[0] == Decimal("1.00")
    assert discount(factories.make_basket(product), new.code)[0] == Decimal("2.00")


@pytest.mark.parametrize(
    "terms",
    [{"value": 0}, {"value": Decimal("100.01")}, {"kind": "fixed_amount", "value": 0},
     {"kind": "a pony", "value": 1}],
)  # fmt: skip
def test_an_incentive_that_gives_nothing_grants_nothing(terms):
    followups = make_followups(1, make_incentive(**terms))
    assert grant(followups, {}, NOW) == {}
    assert get_model("voucher", "Voucher").objects.count() == 0


def test_steps_without_incentive_are_left_out():
    followup = factories.make_followup()
    assert grant([followup], {}, NOW) == {}
    assert grant([], {}, NOW) == {}


def test_two_incentives_of_one_name_get_two_offers():
    one, two = make_incentive(), make_incentive(value=20)
    followups = make_followups(1, one) + make_followups(1, two)
    assert {f.value for f in grant(followups, {}, NOW).values()} == {10, 20}


def test_the_name_that_oscar_shows_beside_the_code_is_unique_and_does_not_repeat_it():
    followups = make_followups(2, make_incentive(name="10 % " * 20)) + make_followups(
        2, make_incentive(name="Danke", value=20)
    )
    grant(followups, {}, NOW)
    for voucher in get_model("voucher", "Voucher").objects.all():
        assert voucher.name.endswith(f" #{voucher.pk}")
        assert voucher.name.startswith(("10 % 10 %", "Danke #"))
        assert voucher.code not in voucher.name


def test_a_batch_of_500_takes_as_many_queries_as_one_of_2(django_assert_max_num_queries):
    incentive = make_incentive()
    grant(make_followups(1, incentive), {}, NOW)
    counts = []
    for size in (2, 500):
        followups = make_followups(size, incentive)
        with CaptureQueriesContext(connection) as queries:
            assert len(grant(followups, {}, NOW)) == size
        # SQLite splits a large INSERT by its number of variables
        statements = {q["sql"].split("VALUES")[0] for q in queries}
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 12


def test_codes_that_are_taken_are_drawn_again(monkeypatch):
    drawn = iter(["AAAA-BBBB-CCCC", "aaaa-bbbb-cccc", "DDDD-EEEE-FFFF"])
    followups = make_followups(2, make_incentive())
    first = grant(followups[:1], {}, NOW)[followups[0].pk]
    get_model("voucher", "Voucher").objects.update(code="AAAA-BBBB-CCCC")
    monkeypatch.setattr(vouchers, "get_class", lambda *_a: lambda _length: next(drawn))
    assert grant(followups[1:], {}, NOW)[followups[1].pk].code == "DDDD-EEEE-FFFF"
    assert first.code != "DDDD-EEEE-FFFF"
