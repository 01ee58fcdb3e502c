"""The environment chooses the real parts; without it everything is simulated on this machine."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from sandbox_shop.environment import Environment
from sandbox_shop.simulators import defaults

SIMULATORS = "http://127.0.0.1:8025"


def read(tmp_path, **variables):
    return Environment({"SANDBOX_VAR": str(tmp_path), **variables})


def test_everything_is_simulated_when_the_environment_is_empty(tmp_path):
    environment = read(tmp_path)
    channels = environment.channels()
    assert channels["email"]["OPTIONS"]["BASE_URL"] == SIMULATORS
    assert channels["email"]["OPTIONS"]["API_KEY"] == defaults.DEFAULT_SENDGRID_KEY
    assert channels["sms"]["OPTIONS"]["BASE_URL"] == SIMULATORS
    assert channels["sms"]["OPTIONS"]["FROM"] == defaults.DEFAULT_TWILIO_NUMBER
    assert not environment.sendgrid_is_real
    assert not environment.twilio_is_real
    assert environment.database()["NAME"] == str(tmp_path / "shop.sqlite3")
    assert environment.q_cluster()["orm"] == "default"
    assert environment.shop_url == "http://127.0.0.1:8000"


def test_mail_leaves_for_real_when_a_sendgrid_key_is_given(tmp_path):
    environment = read(tmp_path, SENDGRID_API_KEY="SG.real")
    options = environment.channels()["email"]["OPTIONS"]
    assert options["BASE_URL"] == "https://api.sendgrid.com"
    assert options["API_KEY"] == "SG.real"
    assert environment.sendgrid_is_real
    assert not environment.twilio_is_real


def test_sms_leave_for_real_when_a_twilio_account_is_given(tmp_path):
    environment = read(
        tmp_path, TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="t", TWILIO_FROM="+4915100000000"
    )
    options = environment.channels()["sms"]["OPTIONS"]
    assert options["BASE_URL"] == "https://api.twilio.com"
    assert (options["ACCOUNT_SID"], options["AUTH_TOKEN"]) == ("AC1", "t")
    assert options["FROM"] == "+4915100000000"
    assert environment.twilio_is_real


def test_a_base_url_wins_when_a_key_is_given_as_well(tmp_path):
    environment = read(
        tmp_path, SENDGRID_API_KEY="SG.x", SENDGRID_BASE_URL="http://127.0.0.1:9/",
        TWILIO_AUTH_TOKEN="t", TWILIO_BASE_URL="http://127.0.0.1:9",
    )  # fmt: skip
    channels = environment.channels()
    assert channels["email"]["OPTIONS"]["BASE_URL"] == "http://127.0.0.1:9"
    assert channels["sms"]["OPTIONS"]["BASE_URL"] == "http://127.0.0.1:9"


def test_the_webhook_key_is_the_providers_when_it_is_given(tmp_path):
    given = read(tmp_path, SENDGRID_WEBHOOK_PUBLIC_KEY="MFkw")
    assert given.channels()["email"]["OPTIONS"]["WEBHOOK_PUBLIC_KEY"] == "MFkw"


def test_the_webhook_key_stays_the_same_when_the_sandbox_starts_again(tmp_path):
    first = read(tmp_path).channels()["email"]["OPTIONS"]["WEBHOOK_PUBLIC_KEY"]
    second = read(tmp_path).channels()["email"]["OPTIONS"]["WEBHOOK_PUBLIC_KEY"]
    assert first == second
    assert len(first) > 100


def test_redis_is_the_broker_when_redis_url_is_given(tmp_path):
    cluster = read(tmp_path, REDIS_URL="redis://127.0.0.1:6379/4").q_cluster()
    assert cluster["redis"] == "redis://127.0.0.1:6379/4"
    assert "orm" not in cluster


def test_two_sandboxes_on_one_redis_have_queues_of_their_own(tmp_path):
    names = []
    for folder in ("one", "two", "one"):
        (tmp_path / folder).mkdir(exist_ok=True)
        environment = read(tmp_path / folder, REDIS_URL="redis://127.0.0.1:6379/4")
        names.append(environment.q_cluster()["name"])
    assert names[0] == names[2] != names[1]


def test_postgres_is_the_database_when_database_url_is_given(tmp_path):
    database = read(tmp_path, DATABASE_URL="postgres://u:p@db.example:5433/shop").database()
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", 5433, "shop")
    assert database["ATOMIC_REQUESTS"] is True
    assert "transaction_mode" not in database.get("OPTIONS", {})


def test_the_shop_answers_to_its_public_name_when_one_is_given(tmp_path):
    environment = read(tmp_path, PUBLIC_BASE_URL="https://shop.example/")
    assert environment.shop_url == "https://shop.example"
    assert environment.local_shop_url == "http://127.0.0.1:8000"
    assert "shop.example" in environment.allowed_hosts


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "80 80", "²"])
@pytest.mark.parametrize("name", ["PORT", "PROVIDERS_PORT"])
def test_a_port_is_refused_by_name_when_it_is_none(tmp_path, name, port):
    environment = read(tmp_path, **{name: port})
    with pytest.raises(ImproperlyConfigured, match=name):
        _ = (environment.port, environment.providers_port)


@pytest.mark.parametrize("url", ["foo://x/y", "http://[bad", "postgres"])
def test_a_database_url_is_refused_when_it_is_none(tmp_path, url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        read(tmp_path, DATABASE_URL=url).database()


def test_empty_variables_count_as_missing(tmp_path):
    environment = read(tmp_path, DATABASE_URL="", REDIS_URL=" ", SENDGRID_API_KEY="", PORT="")
    assert environment.port == 8000
    assert not environment.sendgrid_is_real
    assert "orm" in environment.q_cluster()


def test_retry_outlasts_every_task_that_can_wait_before_another(tmp_path):
    cluster = read(tmp_path).q_cluster()
    waiting = -(-(cluster["queue_limit"] + 1) // cluster["workers"])
    assert cluster["retry"] > cluster["timeout"] * (waiting + 1)


def test_messages_come_at_any_hour_unless_quiet_hours_are_asked_for(tmp_path):
    assert read(tmp_path).limits()["MARKETS"] == {"*": {"windows": {"phone": None}}}
    assert read(tmp_path).limits()["FREQUENCY_CAPS"] == []
    assert read(tmp_path).limits()["SERVICE_CAPS"] == []
    assert read(tmp_path, SANDBOX_QUIET_HOURS="1").limits() == {}
