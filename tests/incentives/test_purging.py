from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.incentives.granting import grant
from cart_recovery.incentives.purging import purge_expired
from tests import checkout, factories
from tests.incentives.test_granting import NOW, make_followups, make_incentive

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=4)


def voucher_count():
    return get_model("voucher", "Voucher").objects.count()


def use(client, code):
    """Orders something with the code, through the shop's own pages."""
    checkout.add_to_basket(client, factories.make_product())
    client.post(reverse("basket:vouchers-add"), {"code": code})
    return checkout.place_order_as_guest(client, None)


def test_unused_codes_go_when_they_have_expired_and_not_before():
    followups = make_followups(5, make_incentive())
    grant(followups, {}, NOW)
    assert purge_expired(NOW + dt.timedelta(days=2), 100) == 0
    assert voucher_count() == 5
    assert [purge_expired(LATER, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert voucher_count() == 0
    # what was promised can still be looked up
    assert models.VoucherGrant.objects.exclude(code="").count() == 5


def test_a_used_code_stays_with_its_order(client):
    followups = make_followups(2, make_incentive())
    facts = grant(followups, {}, NOW)
    order = use(client, facts[followups[0].pk].code)
    assert order.total_discount_incl_tax > 0
    assert purge_expired(LATER, 100) == 2
    assert purge_expired(LATER, 100) == 0
    kept = get_model("voucher", "Voucher").objects.get()
    assert kept.code == facts[followups[0].pk].code
    assert kept.applications.get().order == order


def test_codes_of_a_deleted_followup_are_purged_too():
    followups = make_followups(2, make_incentive())
    grant(followups, {}, NOW)
    models.Enrolment.objects.all().delete()
    assert purge_expired(LATER, 100) == 2
    assert voucher_count() == 0


def test_a_purged_code_leaves_the_baskets_it_lay_in():
    followups = make_followups(1, make_incentive())
    grant(followups, {}, NOW)
    basket = factories.make_basket(factories.make_product())
    basket.vouchers.add(get_model("voucher", "Voucher").objects.get())
    purge_expired(LATER, 100)
    assert basket.vouchers.count() == 0


def test_codes_that_staff_deleted_are_settled_without_a_word():
    grant(make_followups(1, make_incentive()), {}, NOW)
    get_model("voucher", "Voucher").objects.all().delete()
    assert purge_expired(LATER, 100) == 1
    assert purge_expired(LATER, 100) == 0


def test_the_purge_takes_the_same_queries_for_many_as_for_few():
    grant(make_followups(2, make_incentive()), {}, NOW)
    with CaptureQueriesContext(connection) as few:
        purge_expired(LATER, 100)
    grant(make_followups(80, make_incentive()), {}, NOW)
    with CaptureQueriesContext(connection) as many:
        assert purge_expired(LATER, 100) == 80
    assert len(few) == len(many)
