"""What the shop's words for its orders mean, and what of them nobody knows."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core import checks
from django.test import override_settings
from oscar.core.loading import get_model

from cart_recovery.checks.orders import check_event_types, check_orders

NUMBER = 7


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})


def test_the_usual_words_are_known() -> None:
    pipeline = {
        "Pending": ("Being processed", "Cancelled"), "Teilweise versandt": ("VERSANDT ",),
        "Partially shipped": (), "Zugestellt": (), "Refunded": (),
    }  # fmt: skip
    with override_settings(OSCAR_ORDER_STATUS_PIPELINE=pipeline, OSCAR_LINE_STATUS_PIPELINE={}):
        assert check_orders(None) == []


@pytest.mark.parametrize("name", ["OSCAR_ORDER_STATUS_PIPELINE", "OSCAR_LINE_STATUS_PIPELINE"])
def test_words_that_nobody_knows_are_listed(name: str) -> None:
    with override_settings(**{name: {"Beim Zoll": ("Shipped",), "Gepflückt": ()}}):
        (warning,) = check_orders(None)
        assert warning.id == "cart_recovery.W501"
        assert '"Beim Zoll", "Gepflückt"' in warning.msg
        assert "Shipped" not in warning.msg
        assert "partly_shipped" in str(warning.hint)
        words = {"beim zoll": "shipped", "Gepflückt": "", "Complete": "shipped"}
        with recovery(STATUS_MILESTONES=words):
            assert check_orders(None) == []


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("OSCAR_ORDER_STATUS_PIPELINE", {"Pending": ("Auf den Weg gebracht",)}),
        ("OSCAR_LINE_STATUS_PIPELINE", {"Pending": ["Auf den Weg gebracht"]}),
        ("OSCAR_ORDER_STATUS_CASCADE", {"Shipped": "Auf den Weg gebracht"}),
        ("OSCAR_ORDER_STATUS_CASCADE", {"Auf den Weg gebracht": "Shipped"}),
    ],
)
def test_a_last_status_that_stands_as_a_target_alone_is_listed(name: str, leads: Any) -> None:
    with override_settings(**{name: leads}):
        (warning,) = check_orders(None)
    assert '"Auf den Weg gebracht".' in warning.msg


def test_a_first_status_that_nobody_knows_is_listed() -> None:
    with override_settings(OSCAR_INITIAL_ORDER_STATUS="Im Zulauf"):
        assert [warning.id for warning in check_orders(None)] == ["cart_recovery.W501"]


def test_a_status_that_waits_for_its_payment_is_known() -> None:
    waiting = recovery(UNPAID_ORDER_STATUSES=["vorkasse"])
    with waiting, override_settings(OSCAR_INITIAL_ORDER_STATUS="Vorkasse"):
        assert check_orders(None) == []


@pytest.mark.parametrize("milestone", ["on its way", None, "SHIPPED"])
def test_a_milestone_that_does_not_exist_is_an_error(milestone: Any) -> None:
    with recovery(STATUS_MILESTONES={"Unterwegs": milestone}):
        (error,) = check_orders(None)
    assert error.id == "cart_recovery.E008"
    assert "Unterwegs" in error.msg
    assert "delivered" in error.msg


@pytest.mark.parametrize("name", ["TRACKING_URL", "PAYMENT_RESUME_URL"])
def test_a_function_that_cannot_be_imported_is_an_error(name: str) -> None:
    with recovery(**{name: "shop.tracking.nothing"}):
        (error,) = check_orders(None)
    assert (error.id, name in error.msg) == ("cart_recovery.E009", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRACKING_URL", "tracking"), ("TRACKING_URL", "checkout:index"),
     ("TRACKING_URL", "shop.parcels:tracking_url"), ("TRACKING_URL", "tests.checks.test_orders"),
     ("PAYMENT_RESUME_URL", "checkout:pay-agian"), ("PAYMENT_RESUME_URL", "nosuch"),
     ("PAYMENT_RESUME_URL", "https://shop.example/pay/"), ("PAYMENT_RESUME_URL", "/pay/"),
     ("PAYMENT_RESUME_URL", "tests.checks.test_orders.NUMBER")],
)  # fmt: skip
def test_what_leads_nowhere_is_an_error(name: str, value: str) -> None:
    with recovery(**{name: value}):
        (error,) = check_orders(None)
    assert (error.id, name in error.msg, value in error.msg) == ("cart_recovery.E009", True, True)


@pytest.mark.parametrize("value", ["checkout:index", "tests.delivery.test_orders.pay_here", ""])
def test_a_name_of_a_url_or_a_function_leads_to_the_payment(value: str) -> None:
    with recovery(PAYMENT_RESUME_URL=value):
        assert check_orders(None) == []


def test_a_module_that_cannot_be_loaded_is_an_error(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "broken_parcels.py").write_text("raise RuntimeError('x')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with recovery(TRACKING_URL="broken_parcels.tracking_url"):
        (error,) = check_orders(None)
    assert (error.id, "RuntimeError" in error.msg) == ("cart_recovery.E009", True)


@pytest.mark.parametrize(
    "key", ["UNPAID_ORDER_STATUSES", "CANCELLED_ORDER_STATUSES", "PAY_LATER_METHODS"]
)
@pytest.mark.parametrize("value", [[None], [7], "Pending"])
def test_names_of_the_wrong_kind_are_an_error(key: str, value: Any) -> None:
    with recovery(**{key: value}):
        (error,) = check_orders(None)
        assert check_event_types(None, databases=["default"]) == []
    assert (error.id, key in error.msg) == ("cart_recovery.E008", True)


def test_a_status_that_no_order_has_waits_for_no_payment() -> None:
    statuses = recovery(UNPAID_ORDER_STATUSES=["pending PAYMENT", "Pending paymnt"])
    pipeline = {"Pending payment": ("Shipped",), "Shipped": ()}
    with statuses, override_settings(OSCAR_ORDER_STATUS_PIPELINE=pipeline):
        (warning,) = check_orders(None)
    assert warning.id == "cart_recovery.W503"
    assert '"Pending paymnt"' in warning.msg
    with statuses, override_settings(OSCAR_ORDER_STATUS_PIPELINE={}):
        assert check_orders(None) == [], "a shop without a pipeline has whatever it writes"


@pytest.mark.django_db
class TestEventTypes:
    def test_types_that_nobody_knows_are_listed(self) -> None:
        for name in ("Versandt", "Auf der Rampe", "Teilversandt"):
            get_model("order", "ShippingEventType").objects.create(name=name)
        (warning,) = check_event_types(None, databases=["default"])
        assert warning.id == "cart_recovery.W502"
        assert '"Auf der Rampe"' in warning.msg
        assert "Versandt" not in warning.msg
        with recovery(STATUS_MILESTONES={"auf-der-rampe": ""}):
            assert check_event_types(None, databases=["default"]) == [], "its code will do"

    def test_types_of_payment_events_are_listed_as_well(self) -> None:
        usual = ("Authorise", "Settle", "Paid", "Refund", "Teilerstattung", "Gutschrift", "Zahlung")
        for name in (*usual, "Geld da", "Refund requested"):
            get_model("order", "PaymentEventType").objects.create(name=name)
        (warning,) = check_event_types(None, databases=["default"])
        assert warning.id == "cart_recovery.W502"
        assert 'payment events mean: "Geld da", "Refund requested".' in warning.msg
        assert '{"Geld da": "refunded"}' in str(warning.hint)
        with recovery(STATUS_MILESTONES={"geld da": "refunded", "Refund requested": ""}):
            assert check_event_types(None, databases=["default"]) == []

    def test_without_leave_the_database_is_not_asked(self, django_assert_num_queries: Any) -> None:
        get_model("order", "ShippingEventType").objects.create(name="Auf der Rampe")
        get_model("order", "PaymentEventType").objects.create(name="Geld da")
        with django_assert_num_queries(0):
            assert check_event_types(None) == []
            assert check_event_types(None, databases=["reports"]) == []

    def test_django_asks_it(self) -> None:
        get_model("order", "ShippingEventType").objects.create(name="Auf der Rampe")
        found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
        assert "cart_recovery.W502" in [message.id for message in found]
