"""How often a form may be used, and by whom."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from cart_recovery.consent import throttling
from cart_recovery.consent.throttling import client_of, seconds_to_wait

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def three_an_hour(settings: Any) -> None:
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY, "FORM_RATE_LIMITS": {"capture": {"client": (3, HOUR)}}
    }  # fmt: skip


@pytest.mark.usefixtures("three_an_hour")
def test_the_next_window_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime(2026, 11, 22, 10, 50, tzinfo=dt.UTC)
    monkeypatch.setattr(throttling.timezone, "now", lambda: now)
    waits = [seconds_to_wait("capture", "client", "192.0.2.1") for _n in range(5)]
    assert waits == [0, 0, 0, 600, 600]
    now += dt.timedelta(minutes=10)
    assert seconds_to_wait("capture", "client", "192.0.2.1") == 0


@pytest.mark.parametrize(
    "limits",
    [
        {"nothing": {}}, {"capture": 5}, {"capture": {"client": 5}}, {"api": {"everyone": (1, HOUR)}},
        {"api": {"client": (1, 3600)}}, {"api": {"client": (1, HOUR, 2)}},
        {"preferences": {"address": ("1", HOUR)}}, {"capture": {"client": (1, dt.timedelta())}},
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_read_is_named(settings: Any, limits: Any) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "FORM_RATE_LIMITS": limits}
    with pytest.raises(ImproperlyConfigured, match="FORM_RATE_LIMITS"):
        seconds_to_wait("capture", "client", "x")


@pytest.mark.usefixtures("three_an_hour")
def test_others_and_other_forms_are_counted_apart() -> None:
    for _n in range(4):
        seconds_to_wait("capture", "client", "192.0.2.1")
    assert seconds_to_wait("capture", "client", "192.0.2.1")
    assert not seconds_to_wait("capture", "client", "192.0.2.2")
    assert not seconds_to_wait("capture", "address", "192.0.2.1")
    assert not seconds_to_wait("nothing", "client", "192.0.2.1")
    assert not any(seconds_to_wait("capture", "client", "") for _n in range(9))


@pytest.mark.usefixtures("three_an_hour")
def test_none_is_lost_when_many_come_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _n: seconds_to_wait("capture", "client", "x"), range(40)))
    assert waits.count(0) == 3


@pytest.mark.usefixtures("three_an_hour")
def test_nothing_personal_is_kept_as_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    add = cache.add
    monkeypatch.setattr(cache, "add", lambda key, *a, **k: keys.append(key) or add(key, *a, **k))
    seconds_to_wait("capture", "client", "mensch@example.de")
    assert len(keys) == 1
    assert "mensch" not in keys[0]


@pytest.mark.usefixtures("three_an_hour")
def test_people_go_on_when_the_cache_is_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("redis://secret@cache")

    monkeypatch.setattr(cache, "add", fail)
    assert [seconds_to_wait("capture", "client", "x") for _n in range(9)] == [0] * 9
    assert "not limited" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("header", "meta", "client"),
    [
        ("", {"REMOTE_ADDR": "192.0.2.7"}, "192.0.2.7"),
        ("", {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_REAL_IP": "198.51.100.1"}, "192.0.2.7"),
        (
            "X-Real-IP",
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "198.51.100.1"},
            "198.51.100.1",
        ),
        (
            "X-Forwarded-For",
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "1.1.1.1, 198.51.100.1"},
            "198.51.100.1",
        ),
        ("X-Real-IP", {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_REAL_IP": "nonsense"}, "192.0.2.7"),
        ("X-Real-IP", {"REMOTE_ADDR": "192.0.2.7"}, "192.0.2.7"),
        ("", {"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"),
        ("", {"REMOTE_ADDR": "2001:db8:1:2:ffff::1"}, "2001:db8:1:2::/64"),
        ("", {"REMOTE_ADDR": "::ffff:192.0.2.7"}, "192.0.2.7"),
        ("", {"REMOTE_ADDR": ""}, ""),
        ("", {"REMOTE_ADDR": "unix:"}, ""),
    ],
)
def test_a_client_is_known_by_its_network_address(
    settings: Any, header: str, meta: dict[str, str], client: str
) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "CLIENT_IP_HEADER": header}
    assert client_of(RequestFactory().get("/", **meta)) == client
