from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connections, models, transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from cart_recovery import signals
from cart_recovery.consent import ledger
from cart_recovery.consent.verification import verify_chain
from cart_recovery.consent.wordings import publish
from cart_recovery.contacts.identities import merge
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import (
    ConsentAction,
    ConsentChain,
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Contact,
    Purpose,
)
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=dt.UTC)


class Raw:
    """The consent tables as someone with SQL rights sees them, past our own guards."""

    records = models.QuerySet(ConsentRecord)
    wordings = models.QuerySet(ConsentWording)

    @staticmethod
    def delete(record: ConsentRecord) -> None:
        """Remove the row and what refers to it."""
        models.QuerySet(ConsentState).filter(record=record).delete()
        rows = models.QuerySet(ConsentRecord).filter(pk=record.pk)
        rows._raw_delete(rows.db)


def state_of(contact: Contact) -> dict:
    return {
        (s.channel, s.purpose): ledger.Standing(
            s.action, s.address_digest, s.since, s.record_id, s.method
        )
        for s in ConsentState.objects.filter(contact=contact)
    }


# --- writing --------------------------------------------------------------------------------------


def test_a_yes_writes_record_state_and_chain_when_recorded():
    contact = make_contact()
    wording = publish("box-email", "de", channel="email", purposes=["promotion"], text="Ja.")

    (written,) = ledger.record(
        contact, channel="email", purposes=["promotion"], action="granted", source="registration",
        wording=wording, source_url="https://shop.example/register/", now=NOW,
    )  # fmt: skip

    stored = ConsentRecord.objects.get()
    assert stored == written
    assert (stored.sequence, stored.previous_hash, stored.recorded_at) == (1, "", NOW)
    assert (stored.wording, stored.source) == (wording, "registration")
    state = ConsentState.objects.get()
    assert (state.action, state.since, state.record) == ("granted", NOW, stored)
    chain = ConsentChain.objects.get()
    assert (chain.length, chain.head_hash) == (1, stored.hash)


def test_no_address_stands_in_the_record_when_a_consent_is_written():
    contact = make_contact("geheim@example.de")
    (written,) = say(contact, "granted")
    values = ConsentRecord.objects.filter(pk=written.pk).values().get()
    assert "geheim" not in repr(values)
    assert len(written.address_digest) == 64


def test_records_follow_one_another_when_several_are_written():
    contact = make_contact(phone="+4915112345678")
    say(contact, "granted", purposes=("cart_reminder", "promotion"))
    say(contact, "granted", channel="sms")
    say(contact, "withdrawn")

    records = list(ConsentRecord.objects.order_by("sequence"))
    assert [r.sequence for r in records] == [1, 2, 3, 4]
    assert [r.previous_hash for r in records] == ["", *[r.hash for r in records[:-1]]]
    assert verify_chain(contact) == []


def test_each_person_has_an_own_chain_when_two_consent():
    one, two = make_contact(), make_contact()
    say(one, "granted")
    say(two, "granted")
    assert [r.sequence for r in ConsentRecord.objects.all()] == [1, 1]
    assert verify_chain(one) == verify_chain(two) == []


def test_nothing_is_written_when_there_are_no_purposes():
    assert say(make_contact(), "granted", purposes=()) == []
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("channel", ["sms", "pigeon"])
def test_a_yes_is_refused_when_there_is_no_address_for_it(channel):
    contact = make_contact(phone=None)
    with pytest.raises(InvalidAddressError):
        say(contact, "granted", channel=channel)
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("channel", ["sms", "pigeon"])
def test_a_no_is_taken_when_there_is_neither_address_nor_channel(channel):
    contact = make_contact(phone=None)
    (written,) = say(contact, "withdrawn", channel=channel)
    assert (written.channel, written.address_digest) == (channel, "")


@pytest.mark.parametrize("change", [{"purposes": ("world_domination",)}, {"action": "maybe"}])
def test_a_record_is_refused_when_it_speaks_another_vocabulary(change):
    with pytest.raises(ValueError, match="is not a valid"):
        say(make_contact(), **{"action": "granted", **change})


def test_a_record_goes_to_the_winner_when_the_contact_was_merged_meanwhile():
    winner, loser = make_contact(), make_contact()
    Contact.objects.filter(pk=loser.pk).update(merged_into=winner)

    (written,) = say(loser, "withdrawn")

    assert written.contact_id == winner.pk
    assert verify_chain(winner) == []


def test_listeners_hear_of_each_record_when_it_is_committed(django_capture_on_commit_callbacks):
    heard = []

    def listen(sender, record, **kwargs):
        heard.append(record)
        raise RuntimeError("a shop's listener is broken")

    signals.consent_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            written = say(make_contact(), "granted", purposes=("cart_reminder", "promotion"))
            assert heard == []
    finally:
        signals.consent_changed.disconnect(listen)
    assert heard == written


# --- append-only ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda r: r.save(),
        lambda r: r.delete(),
        lambda r: ConsentRecord.objects.filter(pk=r.pk).update(action="withdrawn"),
        lambda r: ConsentRecord.objects.filter(pk=r.pk).delete(),
        lambda r: ConsentRecord.objects.bulk_update([r], ["action"]),
        lambda r: ConsentRecord.objects.update_or_create(pk=r.pk, defaults={"action": "x"}),
        lambda r: ConsentRecord.objects.bulk_create([r], update_conflicts=True),
        lambda r: r.contact.delete(),
    ],
)
def test_history_stays_when_someone_tries_to_rewrite_it(rewrite):
    contact = make_contact()
    (written,) = say(contact, "granted")
    with (
        pytest.raises((TypeError, models.ProtectedError), match=r"append-only|protected"),
        transaction.atomic(),
    ):
        rewrite(written)
    assert verify_chain(contact) == []


# --- verifying ------------------------------------------------------------------------------------


@pytest.fixture
def history():
    """A contact with a chain of four: two yes, a no, a yes to SMS."""
    contact = make_contact(phone="+4915112345678")
    wording = publish("box-email", "de", channel="email", purposes=["promotion"], text="Ja, gern.")
    say(contact, "granted", purposes=("cart_reminder", "promotion"), wording=wording, now=NOW)
    say(contact, "withdrawn", now=NOW + dt.timedelta(days=1))
    say(contact, "granted", channel="sms", now=NOW + dt.timedelta(days=2))
    assert verify_chain(contact) == []
    return contact


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    "change",
    [
        {"action": "granted"},
        {"channel": "sms"},
        {"purpose": "review_request"},
        {"address_digest": "0" * 64},
        {"source": "import"},
        {"source_url": "https://shop.example/else"},
        {"recorded_at": NOW + dt.timedelta(days=1, microseconds=1)},
        {"wording": None, "previous_hash": "f" * 64},
        {"hash": "f" * 64},
    ],
)
def test_an_edited_record_is_found_when_the_chain_is_verified(history, change):
    Raw.records.filter(contact=history, sequence=3).update(**change)
    assert verify_chain(history)


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize("sequence", [1, 2, 3, 4])
def test_a_removed_record_is_found_when_the_chain_is_verified(history, sequence):
    Raw.delete(ConsentRecord.objects.get(contact=history, sequence=sequence))
    assert verify_chain(history)


@pytest.mark.usefixtures("unguarded")
def test_a_cut_off_tail_is_found_when_record_and_state_went_together(history):
    Raw.delete(ConsentRecord.objects.get(contact=history, sequence=4))
    assert [p.sequence for p in verify_chain(history)] == [0]


@pytest.mark.usefixtures("unguarded")
def test_reordered_records_are_found_when_the_chain_is_verified(history):
    Raw.records.filter(contact=history, sequence=1).update(sequence=99)
    Raw.records.filter(contact=history, sequence=2).update(sequence=1)
    Raw.records.filter(contact=history, sequence=99).update(sequence=2)
    assert verify_chain(history)


@pytest.mark.usefixtures("unguarded")
def test_a_record_moved_to_another_person_is_found_when_both_are_verified(history):
    other = make_contact()
    Raw.records.filter(contact=history, sequence=1).update(contact=other)
    assert verify_chain(history)
    assert verify_chain(other)


@pytest.mark.usefixtures("unguarded")
def test_a_chain_hashed_anew_without_the_key_is_found_when_verified(history):
    with override_settings(CART_RECOVERY={"ADDRESS_HASH_KEY": "a forger's guess"}):
        for record in ConsentRecord.objects.filter(contact=history):
            Raw.records.filter(pk=record.pk).update(hash=ledger.record_hash(record))
    assert verify_chain(history)


@pytest.mark.usefixtures("unguarded")
def test_a_rewritten_wording_is_found_when_a_proof_rests_on_it(history):
    Raw.wordings.update(text="Ja, und auch an alle Partner.")
    assert {p.sequence for p in verify_chain(history)} == {1, 2}


def test_a_state_that_was_switched_is_found_and_mended_when_rebuilt(history):
    ConsentState.objects.filter(channel="email", purpose="cart_reminder").update(action="granted")
    (problem,) = verify_chain(history)
    assert "the state of email/cart_reminder" in str(problem)
    ledger.rebuild(history)
    assert verify_chain(history) == []


def test_a_lost_state_is_found_and_mended_when_rebuilt(history):
    ConsentState.objects.all().delete()
    assert len(verify_chain(history)) == 3
    ledger.rebuild(history)
    assert verify_chain(history) == []


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize("damage", ["tail", "head_row", "head_value", "middle"])
def test_a_withdrawal_is_still_taken_when_the_chain_is_damaged(history, damage):
    if damage == "tail":
        Raw.delete(ConsentRecord.objects.get(contact=history, sequence=4))
    elif damage == "head_row":
        ConsentChain.objects.all().delete()
    elif damage == "head_value":
        ConsentChain.objects.update(length=1, head_hash="f" * 64)
    else:
        Raw.delete(ConsentRecord.objects.get(contact=history, sequence=2))

    say(history, "withdrawn", channel="sms")

    assert ConsentState.objects.get(contact=history, channel="sms").action == "withdrawn"


def test_verifying_costs_the_same_when_the_history_is_long(django_assert_num_queries):
    contact = make_contact()
    for _ in range(6):
        say(contact, "granted", purposes=tuple(Purpose.values))
    with django_assert_num_queries(4):
        assert verify_chain(contact) == []


# --- merged contacts ------------------------------------------------------------------------------


@pytest.mark.usefixtures("unguarded")
def test_the_chains_of_both_verify_when_two_contacts_were_merged():
    winner, loser = make_contact(), make_contact(phone="+4915112345678")
    say(winner, "granted", now=NOW)
    say(winner, "granted", purposes=("promotion",), now=NOW)
    say(loser, "granted", channel="sms", now=NOW)
    say(loser, "withdrawn", purposes=("promotion",), now=NOW)
    before = {r.pk: r.contact_id for r in ConsentRecord.objects.all()}

    merge(winner, loser)

    assert {r.pk: r.contact_id for r in ConsentRecord.objects.all()} == before
    assert verify_chain(winner) == verify_chain(Contact.objects.get(pk=loser.pk)) == []
    assert {k: v.action for k, v in ledger.fold(winner).items()} == {
        ("email", "cart_reminder"): "granted",
        ("email", "promotion"): "withdrawn",
        ("sms", "cart_reminder"): "granted",
    }
    ConsentState.objects.all().delete()
    ledger.rebuild(loser)
    assert verify_chain(winner) == []
    Raw.records.filter(contact=loser, sequence=1).update(action="withdrawn")
    assert verify_chain(winner)


# --- the fold -------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(["email", "sms"]),
        st.lists(st.sampled_from(Purpose.values), min_size=1, max_size=3),
        st.sampled_from(ConsentAction.values),
        st.integers(-3600, 3600),
    ),
    max_size=12,
)


@given(steps=steps)
@settings(max_examples=40, deadline=None)
def test_the_state_is_the_fold_when_any_history_is_written(steps):
    with transaction.atomic():
        contact = make_contact(phone="+4915112345678")
        expected = {}
        for channel, purposes, action, seconds in steps:
            # clocks jump, also backwards: the order of the chain is what counts
            at = NOW + dt.timedelta(seconds=seconds)
            say(contact, action, channel=channel, purposes=tuple(purposes), now=at)
            if action != ConsentAction.REQUESTED:
                expected.update(dict.fromkeys([(channel, p) for p in purposes], (action, at)))

        assert state_of(contact) == ledger.fold(contact)
        assert {k: (v.action, v.since) for k, v in state_of(contact).items()} == expected
        assert verify_chain(contact) == []
        ledger.rebuild(contact)
        assert state_of(contact) == ledger.fold(contact)
        transaction.set_rollback(True)


# --- two writers at once --------------------------------------------------------------------------


def test_a_collision_is_tried_again_when_the_place_in_the_chain_was_taken(monkeypatch):
    contact = make_contact()
    say(contact, "granted")
    appended, attempts = ledger._append, []

    def collide_once(contact_id, drafts):
        attempts.append(contact_id)
        if len(attempts) == 1:
            raise IntegrityError("UNIQUE constraint failed")
        return appended(contact_id, drafts)

    monkeypatch.setattr(ledger, "_append", collide_once)
    say(contact, "withdrawn")
    assert len(attempts) == 2
    assert verify_chain(contact) == []


def test_a_collision_is_reported_when_it_does_not_end(monkeypatch):
    def collide(contact_id, drafts):
        raise IntegrityError("UNIQUE constraint failed")

    contact = make_contact()
    monkeypatch.setattr(ledger, "_append", collide)
    with pytest.raises(IntegrityError):
        say(contact, "granted")


def write_at_once(contact: Contact, *, writers: int, rounds: int) -> list[BaseException]:
    """Let `writers` threads append `rounds` records each; return what went wrong."""
    start, errors = threading.Barrier(writers), []

    def write(number: int) -> None:
        try:
            start.wait()
            for turn in range(rounds):
                action = "granted" if (number + turn) % 2 else "withdrawn"
                say(contact, action, purposes=("cart_reminder", "promotion"))
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_chain_does_not_fork_when_many_write_at_once():
    contact = make_contact()
    errors = write_at_once(contact, writers=6, rounds=5)
    assert errors == []
    assert ConsentRecord.objects.filter(contact=contact).count() == 60
    assert verify_chain(contact) == []
