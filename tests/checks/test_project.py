"""Wrong settings are found at start, with an id and a hint."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import Error, Warning
from django.test import override_settings

from cart_recovery.checks.project import check_project
from cart_recovery.checks.queue import check_queue


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_whole_configuration_has_no_complaint() -> None:
    assert check_project(None) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ABANDONED_AFTR": 5}, "cart_recovery.E002"),
        ({"ABANDONED_AFTER": 30}, "cart_recovery.E001"),
        ({"ABANDONED_AFTER": dt.timedelta(0)}, "cart_recovery.E003"),
        ({"BATCH_SIZE": 0}, "cart_recovery.E003"),
        ({"BATCH_SIZE": "many"}, "cart_recovery.E001"),
        ({"PUBLIC_BASE_URL": ""}, "cart_recovery.W001"),
        ({"PUBLIC_BASE_URL": "shop.example"}, "cart_recovery.E004"),
        ({"PUBLIC_BASE_URL": "ftp://shop.example"}, "cart_recovery.E004"),
        ({"PUBLIC_BASE_URL": "http://shop.example"}, "cart_recovery.W002"),
        ({"IMPRINT": "  \n"}, "cart_recovery.W003"),
        ({"FROM_EMAIL": "Laden"}, "cart_recovery.W004"),
        ({"ADDRESS_HASH_KEY": ""}, "cart_recovery.W005"),
    ],
)
def test_each_mistake_has_an_id_and_a_hint(changes: dict[str, Any], expected: str) -> None:
    with recovery(**changes):
        messages = check_project(None)
    assert ids(messages) == [expected]
    assert messages[0].hint


def test_misspelled_setting_is_named_as_a_whole_message() -> None:
    with recovery(ABANDONED_AFTR=5):
        (message,) = check_project(None)
    assert isinstance(message, Error)
    assert message.msg == 'CART_RECOVERY["ABANDONED_AFTR"] is not a setting.'
    assert "ABANDONED_AFTER" in str(message.hint)


@override_settings(CART_RECOVERY=["not", "a", "dict"])
def test_settings_of_another_type_are_an_error_not_a_traceback() -> None:
    assert ids(check_project(None)) == ["cart_recovery.E001"]


@override_settings(ROOT_URLCONF="django.contrib.auth.urls")
def test_forgotten_url_line_is_an_error() -> None:
    assert ids(check_project(None)) == ["cart_recovery.E005"]


def cluster(**changes: Any) -> Any:
    base = {
        "name": "x", "orm": "default", "workers": 2, "queue_limit": 2, "bulk": 1, "timeout": 60,
        "retry": 300, "max_attempts": 1, "ack_failures": True, "catch_up": False,
    }  # fmt: skip
    values = {key: value for key, value in {**base, **changes}.items() if value is not None}
    return override_settings(Q_CLUSTER=values)


def test_recommended_queue_has_no_complaint() -> None:
    with cluster():
        assert check_queue(None) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"timeout": None}, "cart_recovery.W203"),
        ({"retry": 60}, "cart_recovery.W204"),
        # 60 × (⌈(50 + 1) / 2⌉ + 1) = 1620
        ({"queue_limit": 50, "retry": 1620}, "cart_recovery.W204"),
        ({"timeout": 40}, "cart_recovery.W205"),
        ({"catch_up": True}, "cart_recovery.W206"),
        ({"catch_up": None}, "cart_recovery.W206"),
        ({"max_attempts": None, "ack_failures": None}, "cart_recovery.W207"),
        ({"bulk": 10}, "cart_recovery.W208"),
        ({"orm": "queue"}, "cart_recovery.W209"),
    ],
)
def test_each_dangerous_queue_setting_is_a_warning(changes: dict[str, Any], expected: str) -> None:
    with cluster(**changes):
        (message,) = check_queue(None)
    assert isinstance(message, Warning)
    assert message.id == expected
    assert message.hint


def test_queue_just_long_enough_has_no_complaint() -> None:
    with cluster(queue_limit=50, retry=1621):
        assert check_queue(None) == []


def test_missing_cluster_settings_are_a_warning() -> None:
    with override_settings():
        del settings.Q_CLUSTER
        assert ids(check_queue(None)) == ["cart_recovery.W202"]
