"""What is bought together: counted once, forgotten in time, whoever counts and however often."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from cart_recovery import sweep
from cart_recovery.conf import conf
from cart_recovery.models import BoughtTogether, PairingProgress
from cart_recovery.recommendations import computing
from cart_recovery.recommendations.computing import BEST, SETTLING, Portion
from cart_recovery.shop.pairing import LINES_PER_ORDER
from tests.delivery.test_claims import at_once
from tests.factories import make_product
from tests.recommendations.purchases import (
    LONG_AGO,
    NOW,
    both,
    count_all,
    make_order,
    make_variants,
    pairs,
)

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)


class TestCounting:
    def test_products_of_one_order_are_partners(self) -> None:
        pot, cup, tea = (make_product() for _ in range(3))
        make_order(pot, cup, tea)
        make_order(pot, cup)
        make_order(tea)
        assert count_all() == both({(pot, cup): 2, (pot, tea): 1, (cup, tea): 1})

    def test_two_lines_of_a_product_are_one_purchase(self) -> None:
        pot, cup = make_product(), make_product()
        make_order(pot, cup, cup)
        assert count_all() == both({(pot, cup): 1})

    def test_variants_count_for_their_parent(self) -> None:
        pot = make_product()
        shirt, blue, red = make_variants("Hemd", "blau", "rot")
        make_order(pot, blue)
        make_order(pot, red)
        make_order(blue, red)
        assert count_all() == both({(pot, shirt): 2})

    def test_cancelled_orders_do_not_count(self) -> None:
        pot, cup = make_product(), make_product()
        for status in ("Cancelled", "Refunded", " CANCELED", "storniert", "Erstattet"):
            make_order(pot, cup, status=status)
        assert count_all() == {}

    def test_nor_those_that_the_shop_has_a_word_of_its_own_for(self) -> None:
        pot, cup = make_product(), make_product()
        for status in ("Rückgängig", "RÜCKGÄNGIG", "rückgängig", "Void", "Wieder auf"):
            make_order(pot, cup, status=status)
        words = {"STATUS_MILESTONES": {"Rückgängig": "cancelled"}}
        with override_settings(CART_RECOVERY={**words, "CANCELLED_ORDER_STATUSES": ["void"]}):
            assert count_all() == both({(pot, cup): 1})
        assert count_all() == both({(pot, cup): 5})

    def test_nor_lines_of_which_nothing_came(self) -> None:
        pot, cup, tea = (make_product() for _ in range(3))
        make_order(pot, cup, tea).lines.filter(product=tea).update(status="Storniert")
        assert count_all() == both({(pot, cup): 1})

    def test_lines_whose_product_is_gone_do_not_count(self) -> None:
        pot, cup, tea = (make_product() for _ in range(3))
        make_order(pot, cup, tea)
        tea.delete()
        assert count_all() == both({(pot, cup): 1})

    def test_a_reseller_s_order_counts_with_its_first_lines(self) -> None:
        products = [make_product() for _ in range(LINES_PER_ORDER + 30)]
        make_order(*products)
        first = {product.pk for product in products[:LINES_PER_ORDER]}
        found = count_all()
        assert {key for key, _partner in found} == first
        assert len(found) == LINES_PER_ORDER * (LINES_PER_ORDER - 1)

    def test_only_the_best_partners_are_kept(self) -> None:
        pot = make_product()
        others = [make_product() for _ in range(BEST + 5)]
        for other in others:
            make_order(pot, other)
        make_order(pot, others[0])
        found = count_all()
        kept = {partner for product, partner in found if product == pot.pk}
        # the one that was bought twice, and of the others the newest
        assert kept == {others[0].pk, *(other.pk for other in others[-BEST + 1 :])}
        assert found[pot.pk, others[0].pk] == 2


class TestProgress:
    def test_new_orders_are_added_and_make_what_a_rebuild_makes(self) -> None:
        pot, cup, tea = (make_product() for _ in range(3))
        make_order(pot, cup)
        computing.run(NOW)
        make_order(pot, cup, placed_at=NOW)
        make_order(pot, tea, placed_at=NOW + MINUTE)
        make_order(pot, tea, status="Cancelled", placed_at=NOW + MINUTE)
        assert computing.run(NOW + 2 * MINUTE + SETTLING) == 3
        added = pairs()
        assert added == both({(pot, cup): 2, (pot, tea): 1})
        assert count_all(NOW + 2 * MINUTE + SETTLING) == added

    def test_orders_count_once_however_often_it_runs(self) -> None:
        pot, cup = make_product(), make_product()
        computing.run(NOW)
        make_order(pot, cup, placed_at=NOW)
        for minute in range(4):
            computing.run(NOW + SETTLING + minute * MINUTE)
        assert pairs() == both({(pot, cup): 1})

    def test_an_order_is_left_to_settle(self) -> None:
        pot, cup = make_product(), make_product()
        computing.run(NOW)
        make_order(pot, cup, placed_at=NOW)
        assert computing.run(NOW + SETTLING - MINUTE) == 0
        assert pairs() == {}

    def test_portions_make_what_one_go_makes(self) -> None:
        products = [make_product() for _ in range(7)]
        for n in range(40):
            make_order(products[n % 7], products[n * 3 % 5], products[n * 5 % 7])
        whole = count_all()
        computing.start_rebuild(NOW)
        portion = Portion(orders=3, products=2, lines=10)
        runs = 0
        while PairingProgress.objects.get().rebuilt_to is not None:
            computing.run(NOW, portion=portion)
            runs += 1
        assert runs > 3
        assert pairs() == whole

    def test_new_orders_are_read_in_portions_and_moments_stay_whole(self) -> None:
        pot, cup, tea = (make_product() for _ in range(3))
        computing.run(NOW)
        for _ in range(3):
            make_order(pot, cup, placed_at=NOW)
        make_order(pot, tea, placed_at=NOW + MINUTE)
        portion = Portion(orders=2, products=10, lines=1000)
        later = NOW + SETTLING + 2 * MINUTE
        computing.run(later, portion=portion)
        assert pairs() == both({(pot, cup): 3})
        computing.run(later, portion=portion)
        assert pairs() == both({(pot, cup): 3, (pot, tea): 1})

    def test_orders_that_come_during_a_rebuild_count_once(self) -> None:
        products = [make_product() for _ in range(4)]
        make_order(*products)
        portion = Portion(orders=100, products=1, lines=1)
        computing.run(NOW, portion=portion)
        make_order(*products, placed_at=NOW)
        for _ in range(5):
            computing.run(NOW + SETTLING + MINUTE, portion=portion)
        assert set(pairs().values()) == {2}
        assert len(pairs()) == 12

    def test_a_day_later_what_was_cancelled_and_what_is_old_is_forgotten(self) -> None:
        pot, cup, tea, jug = (make_product() for _ in range(4))
        cancelled = make_order(pot, cup)
        make_order(pot, tea, placed_at=NOW - conf.BOUGHT_TOGETHER_WITHIN + DAY / 2)
        make_order(pot, jug)
        assert count_all() == both({(pot, cup): 1, (pot, tea): 1, (pot, jug): 1})
        cancelled.status = "Cancelled"
        cancelled.save()
        make_order(pot, jug, placed_at=NOW + DAY / 2)
        computing.run(NOW + DAY - MINUTE)
        assert len(pairs()) == 6
        computing.run(NOW + DAY)
        assert pairs() == both({(pot, jug): 2})

    def test_what_became_a_variant_has_no_partners_of_its_own(self) -> None:
        shirt, _blue = make_variants("Hemd", "blau")
        red, pot = make_product(), make_product()
        make_order(red, pot)
        assert count_all() == both({(red, pot): 1})
        red.structure, red.parent, red.product_class = red.CHILD, shirt, None
        red.save()
        assert count_all() == both({(shirt, pot): 1})

    def test_nothing_to_do_costs_three_queries(self) -> None:
        make_order(make_product(), make_product())
        count_all()
        with CaptureQueriesContext(connection) as queries:
            assert computing.run(NOW) == 0
        assert len(queries) <= 3

    def test_rows_do_not_pass_through_python(self) -> None:
        products = [make_product() for _ in range(6)]

        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                computing.run_to_end(NOW, rebuild=True)
            return len(queries)

        make_order(*products)
        computing.run(NOW)
        few = statements()
        for _ in range(30):
            make_order(*products)
        assert statements() == few

    def test_a_shop_without_products_and_orders(self) -> None:
        assert count_all() == {}
        assert PairingProgress.objects.get().rebuilt_to is None


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_count_nothing_twice() -> None:
    products = [make_product() for _ in range(3)]
    computing.run(NOW)
    for n in range(6):
        make_order(*products, placed_at=NOW + n * MINUTE)
    portion = Portion(orders=2, products=1, lines=1)

    def work() -> None:
        for _ in range(4):
            computing.run(NOW + SETTLING + 10 * MINUTE, portion=portion)

    at_once(4, work)
    assert set(pairs().values()) == {6}
    assert len(pairs()) == 6


class TestDoors:
    def test_the_sweep_counts(self) -> None:
        make_order(make_product(), make_product())
        report = sweep.run(NOW)
        assert (report.failed_stages, report.recommended) == ([], 1)
        assert len(pairs()) == 2

    def test_the_command_counts_to_the_end(self) -> None:
        pot, cup = make_product(), make_product()
        make_order(pot, cup, placed_at=LONG_AGO)
        out = StringIO()
        call_command("recovery_recommendations", stdout=out)
        assert "2 pairs" in out.getvalue()
        BoughtTogether.objects.all().delete()
        call_command("recovery_recommendations", stdout=out)
        assert pairs() == {}
        call_command("recovery_recommendations", "--rebuild", stdout=out)
        assert pairs() == both({(pot, cup): 1})
