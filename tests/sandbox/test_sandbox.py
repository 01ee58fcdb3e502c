"""The whole sandbox, as `make sandbox` starts it."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from urllib.parse import urlsplit

import psutil
import pytest

from sandbox_shop import customers, goods, history
from sandbox_shop.campaigns import DELAYS
from sandbox_shop.ports import is_free
from tests.sandbox.running import (
    ROOT,
    free_ports,
    running_sandbox,
    sandbox_environment,
    set_up,
    stop,
)

pytestmark = pytest.mark.queue

#: tables that must be the same after a second set-up
TABLES = (
    "auth_user", "catalogue_product", "catalogue_category", "partner_stockrecord",
    "basket_basket", "basket_line", "order_order", "order_line", "address_useraddress",
    "address_country", "reviews_productreview", "cart_recovery_contact",
    "cart_recovery_consentrecord", "cart_recovery_trackedcart", "cart_recovery_campaign",
    "cart_recovery_step", "cart_recovery_messagetemplate", "django_q_schedule",
    "cart_recovery_message", "cart_recovery_conversion", "cart_recovery_dailyfigure",
    "cart_recovery_consentwording", "cart_recovery_variant", "cart_recovery_incentive",
    "cart_recovery_trackedorder", "cart_recovery_linereview", "cart_recovery_servicerating",
    "cart_recovery_stafftask", "cart_recovery_checkouttrouble", "order_shippingeventtype",
    "order_paymenteventtype",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory with a sandbox that is set up."""
    path = tmp_path_factory.mktemp("sandbox")
    (path / "var").mkdir()
    set_up(path)
    return path


def rows(path, query):
    with sqlite3.connect(path / "var" / "shop.sqlite3") as connection:
        return connection.execute(query).fetchall()


def content(path):
    return {table: rows(path, f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}


def count(path, table, where="1=1"):
    return rows(path, f"SELECT COUNT(*) FROM {table} WHERE {where}")[0][0]


def descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def test_the_shop_is_full_when_it_is_set_up(home):
    assert count(home, "catalogue_product", "structure != 'child'") == len(goods.GOODS)
    assert count(home, "auth_user", "is_staff = 0") == customers.CUSTOMERS
    assert count(home, "order_order") == history.ORDERS
    assert count(home, "basket_basket", "status = 'Open'") == history.ABANDONED
    assert count(home, "partner_stockrecord", "num_in_stock = 0") >= 1
    assert count(home, "cart_recovery_consentstate", "action = 'granted'") > 100
    assert count(home, "cart_recovery_contact") == customers.CUSTOMERS


def test_part_of_the_customers_has_consented_and_part_has_not(home):
    agreed = rows(home, "SELECT COUNT(DISTINCT contact_id) FROM cart_recovery_consentstate")[0][0]
    assert customers.CUSTOMERS * 0.3 < agreed < customers.CUSTOMERS * 0.9
    assert (
        count(home, "cart_recovery_consentrecord", "action = 'granted' AND wording_id IS NULL") == 0
    )


def test_the_past_lies_in_the_last_ninety_days(home):
    for table, column in (
        ("order_order", "date_placed"), ("basket_basket", "date_created"),
        ("basket_line", "date_updated"), ("cart_recovery_trackedcart", "last_activity_at"),
    ):  # fmt: skip
        oldest, newest = rows(
            home,
            f"SELECT julianday('now') - julianday(MIN({column})),"
            f" julianday('now') - julianday(MAX({column})) FROM {table}",
        )[0]
        assert 60 < oldest < 92, table
        assert newest > 0.1, table


def test_campaigns_are_on_and_leave_the_past_alone(home):
    assert count(home, "cart_recovery_campaign", "is_active = 1") == len(DELAYS)
    late = "last_activity_at >= (SELECT MIN(activated_at) FROM cart_recovery_campaign)"
    assert count(home, "cart_recovery_trackedcart", late) == 0
    assert count(home, "cart_recovery_trackedcart", "state = 'active'") == 0


def test_the_reports_tell_of_three_months_and_nothing_of_it_is_sent_again(home):
    told = dict(rows(home, "SELECT measure, SUM(count) FROM cart_recovery_dailyfigure GROUP BY 1"))
    assert told["abandoned"] > told["reached"] > told["recovered"] > 20
    assert told["sent"] == count(home, "cart_recovery_message") > 200
    for measure in ("clicked", "failed", "opted_out", "complained", "refunded", "cost"):
        assert told[measure] > 0, measure
    assert count(home, "cart_recovery_followup", "state != 'done'") == 0
    assert count(home, "cart_recovery_enrolment", "state = 'active'") == 0
    assert count(home, "cart_recovery_rolledday", "rolled_at IS NULL") == 0


def test_staff_find_reviews_ratings_tasks_and_troubles(home):
    for status in (0, 1):
        reviewed = f"review_id IN (SELECT id FROM reviews_productreview WHERE status = {status})"
        assert count(home, "cart_recovery_linereview", reviewed) >= 1, status
    assert count(home, "cart_recovery_servicerating") > 10
    assert count(home, "cart_recovery_servicerating", "source = 'sms'") >= 1
    assert count(home, "cart_recovery_stafftask", "closed_at IS NULL") >= 1
    assert count(home, "cart_recovery_stafftask", "closed_at IS NOT NULL") >= 1
    assert count(home, "cart_recovery_checkouttrouble") > 20
    # nothing of it waits to be looked at
    assert count(home, "cart_recovery_trackedorder", "changed_at IS NOT NULL") == 0


def test_nobody_was_asked_for_a_review_without_having_agreed_before(home):
    asked = """SELECT m.contact_id, m.channel, m.sent_at FROM cart_recovery_message m
        JOIN cart_recovery_reviewlink l ON l.followup_id = m.followup_id"""
    agreed = """SELECT 1 FROM cart_recovery_consentrecord r WHERE r.contact_id = a.contact_id
        AND r.channel = a.channel AND r.recorded_at < a.sent_at AND r.action = 'granted'
        AND r.purpose = 'review_request'"""
    total = rows(home, f"SELECT COUNT(*) FROM ({asked}) a")[0][0]
    assert total > 50
    assert rows(home, f"SELECT COUNT(*) FROM ({asked}) a WHERE NOT EXISTS ({agreed})") == [(0,)]


def test_a_sandbox_from_before_there_was_news_of_orders_is_brought_up_to_date(tmp_path, home):
    shutil.copytree(home / "var", tmp_path / "var")
    with sqlite3.connect(tmp_path / "var" / "shop.sqlite3") as connection:
        connection.execute("UPDATE order_order SET status = 'Complete' WHERE status = 'Delivered'")
        connection.execute("UPDATE order_line SET status = 'Complete' WHERE status = 'Delivered'")
    done = set_up(tmp_path)
    assert done.returncode == 0, done.stderr
    for table in ("order_order", "order_line"):
        assert count(tmp_path, table, "status = 'Complete'") == 0
        assert count(tmp_path, table, "status = 'Delivered'") > 200


def test_a_second_set_up_changes_nothing_not_even_what_staff_switched_off(home):
    with sqlite3.connect(home / "var" / "shop.sqlite3") as connection:
        connection.execute("UPDATE cart_recovery_campaign SET is_active = 0 WHERE id = 1")
    before = content(home)
    again = set_up(home)
    assert again.returncode == 0, again.stderr
    assert content(home) == before


def test_the_sandbox_shows_its_pages_and_stops_without_leaving_anything(home):
    with running_sandbox(home) as sandbox:
        family = descendants(sandbox.process)
        assert len(family) >= 5
        _check_output(sandbox)
        _check_pages(sandbox)
        _check_that_a_foreign_host_name_is_refused(sandbox)
        second = set_up(home)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert stop(sandbox.process) == 0
    assert "Stopped" in sandbox.output()
    assert not any(process.is_running() for process in family)
    for url in (sandbox.shop_url, sandbox.viewer_url):
        assert is_free("127.0.0.1", urlsplit(url).port)


def _check_output(sandbox):
    for words in (customers.STAFF_EMAIL, sandbox.shop_url, sandbox.viewer_url):
        assert words in sandbox.output()


def _check_pages(sandbox):
    front = get(f"{sandbox.shop_url}/catalogue/")
    assert "Hafenröstung" in front
    assert sandbox.viewer_url in front
    assert "ajax.googleapis.com" not in front
    assert "recovery_consent_email" in get(f"{sandbox.shop_url}/accounts/login/")
    assert json.loads(get(f"{sandbox.viewer_url}/messages.json")) == []
    picture = re.search(r'src="(/media/[^"]+)"', front)
    for path in ("/static/oscar/css/styles.css", "/static/sandbox_shop/shop.css", picture[1]):
        with urllib.request.urlopen(sandbox.shop_url + path, timeout=30) as answer:
            assert answer.read(), path


def _check_that_a_foreign_host_name_is_refused(sandbox):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(sandbox.shop_url).port)
    connection.request("GET", "/catalogue/", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize("name", ["PORT", "PROVIDERS_PORT"])
def test_the_sandbox_names_the_port_and_the_remedy_when_it_is_taken(home, name):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        environment = sandbox_environment(home / "var", **{name: str(port)})
        ended = subprocess.run(
            [sys.executable, "manage.py", "sandbox"], cwd=ROOT, env=environment, text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert f"Port {port} is taken" in ended.stderr
    assert f"{name}=" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PORT": "eighty"}, "PORT must be a port number"),
        ({"DATABASE_URL": "mongo://x"}, "DATABASE_URL must look like"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:{free}/none"}, "database does not answer"),
        ({"REDIS_URL": "redis://127.0.0.1:{free}/0"}, "queue does not answer"),
    ],
)
def test_the_sandbox_says_what_is_wrong_when_the_environment_is(home, variables, words):
    free = free_ports(1)[0]
    ended = set_up(home, **{name: text.format(free=free) for name, text in variables.items()})
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
