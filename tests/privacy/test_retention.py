"""What was kept for long enough goes: the right rows, in bounded batches, nothing before its time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Task

from cart_recovery import models, sweep
from cart_recovery.conf import DEFAULT_RETENTION
from cart_recovery.consent import wordings
from cart_recovery.consent.suppression import suppressed
from cart_recovery.consent.verification import verify_chain
from cart_recovery.privacy import retention
from cart_recovery.privacy.erasure import erase
from tests.consent.words import say
from tests.factories import make_basket, make_cart, make_consent, make_contact, make_user
from tests.privacy.people import make_known_person

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = dt.timedelta(days=1)


def age(model: Any, by: dt.timedelta, *names: str, **which: Any) -> None:
    """Make rows older: as if they had been written that long ago."""
    for row in model._base_manager.filter(**which):
        changed = {name: getattr(row, name) - by for name in names if getattr(row, name)}
        model._base_manager.filter(pk=row.pk).update(**changed)


def counts_after(period: str, shift: dt.timedelta, **kwargs: Any) -> int:
    """What `run` does with one kind at a moment that much past (or before) the end of its period."""
    moment = NOW + (DEFAULT_RETENTION[period] or DAY) + shift
    return retention.run(moment, limit=500, **kwargs).counts[period]


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("message_texts", 2), ("delivery_events", 1), ("webhooks", 1), ("replies", 2),
        ("failed_tasks", 1), ("troubles", 1),
    ],
)  # fmt: skip
def test_rows_stay_until_their_period_is_over(kind: str, count: int) -> None:
    make_known_person()
    only = {name: None for name in DEFAULT_RETENTION if name != kind}
    with override_settings(CART_RECOVERY={"RETENTION": only}):
        assert counts_after(kind, -DAY) == 0
        assert counts_after(kind, DAY, dry_run=True) == count
        assert counts_after(kind, DAY) == count
        assert counts_after(kind, DAY) == 0


def test_nothing_is_touched_while_everything_is_young() -> None:
    make_known_person()
    before = _everything()
    report = retention.run(NOW, limit=500)
    assert not +report.counts
    assert _everything() == before


def test_dry_run_says_what_the_run_does_and_changes_nothing() -> None:
    make_known_person()
    make_contact()
    moment = NOW + dt.timedelta(days=4 * 365)
    before = _everything()
    foretold = retention.run(moment, limit=2, dry_run=True)
    assert _everything() == before
    # one after the other they may find less: an event goes with its cart
    done = retention.run_to_end(moment, limit=2)
    assert set(+done.counts) <= set(+foretold.counts)
    assert all(done.counts[name] <= foretold.counts[name] for name in foretold.counts)
    assert done.counts["contacts"] == foretold.counts["contacts"] == 1


def test_message_keeps_its_numbers_when_its_texts_go() -> None:
    make_known_person()
    counts_after("message_texts", DAY)
    message = models.Message.objects.get(channel="email")
    assert (message.to_address, message.text, message.html, message.subject) == ("", "", "", "")
    assert message.state == models.MessageState.BOUNCED
    assert message.emptied_at is not None


def test_links_go_with_their_clicks_a_month_after_they_expired() -> None:
    make_known_person()
    link = models.RestoreLink.objects.get()
    assert retention.run(link.expires_at + 29 * DAY, limit=5).counts["restore_links"] == 0
    assert retention.run(link.expires_at + 31 * DAY, limit=5).counts["restore_links"] == 1
    assert not models.LinkClick.objects.exists()
    assert models.Conversion.objects.count() == 1


def test_carts_go_with_all_that_hangs_on_them_and_leave_the_credit() -> None:
    make_known_person()
    counts_after("carts", DAY)
    gone = (models.TrackedCart, models.Enrolment, models.FollowUp, models.CheckoutTrouble)
    for model in gone:
        assert not model._base_manager.exists()
    conversion = models.Conversion.objects.get()
    assert (conversion.cart, conversion.message, str(conversion.amount)) == (None, None, "19.99")
    assert models.VoucherGrant.objects.get(thanked_order=None).followup is None


def test_cart_that_is_still_used_stays() -> None:
    cart = make_cart(make_basket(), make_contact(), last_activity_at=NOW - 900 * DAY)
    models.TrackedCart.objects.filter(pk=cart.pk).update(last_activity_at=NOW - DAY)
    assert retention.run(NOW, limit=5).counts["carts"] == 0


def test_unconfirmed_opt_in_goes_with_its_notice_and_a_contact_that_is_nothing_else() -> None:
    blank, known = make_contact(), make_consent(make_contact())
    wordings.install_defaults()
    for contact in (blank, known):
        _opt_in(contact, expires_at=NOW - DAY)
    waiting = _opt_in(make_contact(), expires_at=NOW + DAY)
    assert retention.run(NOW, limit=5).counts["opt_ins"] == 2
    assert list(models.OptIn.objects.all()) == [waiting]
    assert models.Notice.objects.count() == 1
    assert not models.Contact.objects.filter(pk=blank.pk).exists()
    assert models.Contact.objects.filter(pk=known.pk).exists()


def test_ended_notices_go_and_open_ones_stay() -> None:
    wordings.install_defaults()
    ended = _opt_in(make_contact(), expires_at=NOW, state=models.OptInState.CONFIRMED)
    models.Notice.objects.filter(opt_in=ended).update(
        ended_at=NOW - 91 * DAY, created_at=NOW - 91 * DAY, state="done"
    )
    young = _opt_in(make_contact(), expires_at=NOW + DAY)
    assert retention.run(NOW, limit=5).counts["notices"] == 1
    assert list(models.OptIn.objects.all()) == [young]


def _opt_in(contact: Any, *, expires_at: dt.datetime, **kwargs: Any) -> models.OptIn:
    opt_in = models.OptIn.objects.create(
        contact=contact, channel="email", source="footer", expires_at=expires_at,
        wording=models.ConsentWording.objects.filter(channel="email")[0],
        address_digest="d" * 64, requested_at=NOW, **kwargs,
    )  # fmt: skip
    models.Notice.objects.create(
        kind="opt_in", contact=contact, channel="email", opt_in=opt_in, created_at=NOW,
        due_at=NOW, expires_at=NOW,
    )  # fmt: skip
    return opt_in


# --- contacts -------------------------------------------------------------------------------------


def make_old_contact(**kwargs: Any) -> models.Contact:
    contact = make_contact(**kwargs)
    models.Contact.objects.filter(pk=contact.pk).update(created_at=NOW - 366 * DAY)
    return contact


def test_contact_without_permission_account_and_activity_is_emptied() -> None:
    contact = make_old_contact()
    assert retention.run(NOW, limit=5).counts["contacts"] == 1
    contact.refresh_from_db()
    assert (contact.email, contact.erased_at) == ("", NOW)
    # nobody asked for it: whoever comes back may sign up as anybody else
    assert not models.Suppression.objects.exists()


@pytest.mark.parametrize("why", ["permission", "account", "cart", "young"])
def test_contact_stays_while_there_is_a_reason(why: str) -> None:
    contact = make_old_contact(user=make_user() if why == "account" else None)
    if why == "permission":
        make_consent(contact)
    if why == "cart":
        make_cart(make_basket(), contact)
    if why == "young":
        models.Contact.objects.filter(pk=contact.pk).update(created_at=NOW - 364 * DAY)
    assert retention.run(NOW, limit=5).counts["contacts"] == 0


def test_objection_to_every_message_outlives_the_contact() -> None:
    contact = make_old_contact()
    (no,) = say(contact, "withdrawn", purposes=("order_status",))
    retention.run(NOW, limit=5)
    pair = ("email", no.address_digest)
    assert suppressed([pair]) == {pair}


# --- proofs ---------------------------------------------------------------------------------------

OVER = 3 * 365 * DAY + DAY


def purge_proofs(now: dt.datetime = NOW, **kwargs: Any) -> int:
    return retention.run(now, limit=5, **kwargs).counts["proofs"]


def test_proof_of_a_standing_permission_stays_however_old() -> None:
    contact = make_contact()
    say(contact, "requested", now=NOW - 3 * OVER)
    say(contact, "granted", now=NOW - 3 * OVER)
    assert purge_proofs() == 0
    assert contact.consent_records.count() == 2


def test_objection_stays_however_old() -> None:
    contact = make_contact()
    say(contact, "granted", now=NOW - 3 * OVER)
    say(contact, "withdrawn", now=NOW - 2 * OVER)
    assert purge_proofs() == 1
    assert models.ConsentState.objects.get(contact=contact).action == "withdrawn"
    assert verify_chain(contact) == []


def test_proof_goes_three_years_after_its_last_use() -> None:
    contact = make_contact()
    say(contact, "granted", now=NOW - 2 * OVER)
    # in use until the person said something else
    say(contact, "granted", now=NOW - OVER + 2 * DAY)
    assert purge_proofs() == 0
    assert purge_proofs(NOW + 2 * DAY, dry_run=True) == 1
    assert purge_proofs(NOW + 2 * DAY) == 1
    assert verify_chain(contact) == []
    say(contact, "withdrawn", now=NOW + 3 * DAY)
    assert verify_chain(contact) == []


def test_proofs_of_an_erased_person_go_three_years_after_the_erasure() -> None:
    contact = make_known_person()
    erase([contact], source="test", now=NOW)
    assert purge_proofs(NOW + OVER - 2 * DAY) == 0
    assert purge_proofs(NOW + OVER) == 4
    assert not models.ConsentState.objects.filter(contact=contact).exists()
    contact.refresh_from_db()
    assert verify_chain(contact) == []
    # nothing but the blocked addresses is left of the person
    assert models.Suppression.objects.filter(reason="erased").exists()


def test_scan_goes_on_where_it_stopped() -> None:
    contacts = [make_old_contact() for _ in range(5)]
    make_consent(contacts[0])
    for contact in contacts[1:]:
        say(contact, "withdrawn", purposes=("order_status",))
    taken = [retention.run(NOW, limit=2).counts["contacts"] for _ in range(3)]
    assert taken == [1, 2, 1]


# --- the sweep ------------------------------------------------------------------------------------


def test_sweep_takes_a_batch_of_each_kind() -> None:
    make_known_person()
    report = sweep.run(NOW + 91 * DAY)
    assert report.failed_stages == []
    assert report.removed["message_texts"] == 2


def test_looking_for_nothing_costs_a_few_reads() -> None:
    make_known_person()
    with CaptureQueriesContext(connection) as queries:
        retention.run(NOW, limit=500)
    statements = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) == 19
    assert [s for s in statements if not s.startswith("SELECT")] == []


def test_batch_costs_the_same_however_many_rows_are_due() -> None:
    def cost(people: int) -> int:
        for n in range(people):
            make_old_contact(email=f"m{people}.{n}@example.de")
        for contact in models.Contact.objects.filter(erased_at=None):
            say(contact, "withdrawn", purposes=("order_status",), now=NOW - 2 * OVER)
            say(contact, "withdrawn", purposes=("promotion",), now=NOW - 2 * OVER)
        with CaptureQueriesContext(connection) as queries:
            retention.run(NOW, limit=500)
        return len(queries)

    assert cost(2) == cost(12)


def test_failing_kind_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    make_known_person()

    def fail(ids: list[int]) -> int:
        raise ValueError("broken")

    monkeypatch.setattr(retention.removing, "remove_webhooks", fail)
    report = retention.run(NOW + 400 * DAY, limit=5)
    assert report.failed == ["webhooks"]
    assert report.counts["replies"] == 2


@pytest.mark.parametrize(
    ("value", "complaint"),
    [({"texts": DAY}, 'no kind "texts"'), ({"replies": 30}, "timedelta or None, not int")],
)
def test_wrong_period_is_named(value: dict[str, Any], complaint: str) -> None:
    with (
        override_settings(CART_RECOVERY={"RETENTION": value}),
        pytest.raises(ImproperlyConfigured, match=complaint),
    ):
        retention.run(NOW, limit=5)


def _everything() -> list[Any]:
    rows = []
    for name in models.__all__:
        model = getattr(models, name)
        if hasattr(model, "_base_manager"):
            rows += [(name, sorted(map(str, model._base_manager.values_list())))]
    return [*rows, Task.objects.count()]


@pytest.mark.parametrize("kind", ["reviews", "ratings", "tasks", "review_links"])
def test_what_was_said_of_an_order_goes_in_its_time(kind: str) -> None:
    make_known_person()
    models.StaffTask.objects.update(closed_at=NOW)
    only = {name: None for name in DEFAULT_RETENTION if name != kind}
    with override_settings(CART_RECOVERY={"RETENTION": only}):
        start = {"review_links": dt.timedelta(days=90)}.get(kind, dt.timedelta(0))
        assert counts_after(kind, start - DAY) == 0
        assert counts_after(kind, start + DAY, dry_run=True) == 1
        assert counts_after(kind, start + DAY) == 1
        assert counts_after(kind, start + DAY) == 0


def test_review_stays_a_verified_purchase_of_nobody() -> None:
    make_known_person()
    row = models.LineReview.objects.get()
    counts_after("reviews", DAY)
    row.refresh_from_db()
    assert (row.contact, row.order, row.line, row.photo.name) == (None, None, None, "")
    assert row.review is not None
    assert (row.review.body, row.review.email) == ("Geht so.", "")


def test_task_that_nobody_has_looked_after_stays() -> None:
    make_known_person()
    assert counts_after("tasks", DAY) == 0
