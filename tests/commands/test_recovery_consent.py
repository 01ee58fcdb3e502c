"""The ledger's command: finds, mends and takes over."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cart_recovery.consent import ledger
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.verification import verify_chain
from cart_recovery.contacts.identities import find_by_address, merge
from cart_recovery.models import ConsentRecord, ConsentState, ConsentWording, Contact
from tests.consent.words import say
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db

HEADING = "email,phone,country,channel,purposes,wording_text,language,recorded_at,source,evidence"
ROW = 'a@example.de,,DE,email,"cart_reminder promotion",Ja gern,de,2025-01-02T10:00:00Z,crm,Zeile 7'


def run(*args: Any) -> str:
    out = StringIO()
    call_command("recovery_consent", *args, stdout=out)
    return out.getvalue()


# --- verify and rebuild ---------------------------------------------------------------------------


def test_untouched_ledger_verifies() -> None:
    for _ in range(3):
        make_consent(make_contact())
    assert run("verify", "--all") == "contacts 3, problems 0\n"


def test_lost_state_is_found_by_exit_code_and_mended() -> None:
    contact = make_consent(make_contact("a@example.de"))
    make_consent(make_contact())
    ConsentState.objects.filter(contact=contact).delete()
    with pytest.raises(CommandError) as caught:
        run("verify", "--all")
    assert caught.value.returncode == 1
    with pytest.raises(CommandError):
        run("verify", "--address", "A@EXAMPLE.DE")
    run("rebuild", "--contact", contact.pk)
    assert run("verify", "--all") == "contacts 2, problems 0\n"


def test_rebuild_keeps_what_merged_contacts_said() -> None:
    winner, loser = make_consent(make_contact()), make_contact(None, phone="+4915112345678")
    make_consent(loser, "sms")
    merge(winner, loser)
    before = {(s.channel, s.purpose, s.action) for s in ConsentState.objects.all()}
    run("rebuild", "--all")
    assert {(s.channel, s.purpose, s.action) for s in ConsentState.objects.all()} == before
    assert len(before) == 2


def test_yes_at_the_address_that_stays_survives_a_merge_and_a_rebuild() -> None:
    """A later yes at another address takes nothing back."""
    winner, loser = make_consent(make_contact()), make_consent(make_contact())
    merge(winner, loser)
    (state,) = ConsentState.objects.all()
    assert state.address_digest == winner.consent_records.get().address_digest
    run("rebuild", "--all")
    (state,) = ConsentState.objects.all()
    assert state.address_digest == winner.consent_records.get().address_digest
    assert verify_chain(winner) == []


def test_verifying_costs_the_same_for_a_batch_of_any_size(
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(20):
        make_consent(make_contact())
    with django_assert_max_num_queries(6):
        run("verify", "--all")


def test_nobody_is_named_clearly() -> None:
    with pytest.raises(CommandError, match="There is no contact 99"):
        run("verify", "--contact", "99")
    with pytest.raises(CommandError, match="Nobody has this address"):
        run("verify", "--address", "niemand@example.de")


# --- import ---------------------------------------------------------------------------------------


@pytest.fixture
def do_import(tmp_path: Path) -> Any:
    def do(*rows: str, heading: str = HEADING, options: tuple[str, ...] = ()) -> str:
        path = tmp_path / "consents.csv"
        path.write_text("\n".join([heading, *rows]) + "\n")
        out = StringIO()
        try:
            call_command("recovery_consent", "import", str(path), *options, stdout=out)
        except CommandError as error:
            return f"{out.getvalue()}{error}"
        return out.getvalue()

    return do


def test_row_becomes_a_proof(do_import: Any) -> None:
    assert "wrote 2 consents" in do_import(ROW)
    contact = find_by_address("email", "a@example.de")
    assert contact is not None
    record = contact.consent_records.first()
    assert (record.method, record.source, record.evidence) == ("imported", "crm", "Zeile 7")
    assert record.recorded_at.isoformat() == "2025-01-02T10:00:00+00:00"
    assert record.wording.text == "Ja gern"
    assert verify_chain(contact) == []


def test_importing_twice_writes_once(do_import: Any) -> None:
    do_import(ROW)
    assert "wrote 0 consents, known already 1" in do_import(ROW)
    assert ConsentRecord.objects.count() == 2
    assert ConsentWording.objects.filter(code="import-email").count() == 1


def test_dry_run_checks_and_changes_nothing(do_import: Any) -> None:
    before = ConsentWording.objects.count()
    assert "would write 2 consents" in do_import(ROW, options=("--dry-run",))
    assert not Contact.objects.exists()
    assert not ConsentRecord.objects.exists()
    assert ConsentWording.objects.count() == before


def test_phone_is_read_by_the_country(do_import: Any) -> None:
    row = ",0151 12345678,DE,sms,cart_reminder,Ja,de,2025-01-02T10:00:00,crm,Zeile 8"
    assert "wrote 1 consents" in do_import(row)
    assert find_by_address("phone", "+4915112345678")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("a@example.de", "a@@example", "not an e-mail address"),
        ("a@example.de", "", '"email" is empty'),
        ("DE", "Deutschland", "ISO code"),
        ("email,", "pigeon,", 'no channel "pigeon"'),
        ("promotion", "spam", 'there is no "spam"'),
        ("Ja gern", "", "what was agreed to is missing"),
        ("2025-01-02T10:00:00Z", "gestern", "date and time such as"),
        ("2025-01-02T10:00:00Z", "2999-01-02T10:00:00Z", "in the future"),
        ("2025-01-02T10:00:00Z", "2025-13-02T10:00:00Z", "date and time such as"),
        ("crm", "", '"source" is empty'),
        ("Zeile 7", "", '"evidence" is empty'),
        ("Zeile 7", "Zeile 7,noch eins", "more or fewer cells"),
    ],
)
def test_bad_row_is_named_and_the_others_are_taken(
    do_import: Any, old: str, new: str, complaint: str
) -> None:
    good = ROW.replace("a@example.de", "b@example.de")
    said = do_import(ROW.replace(old, new, 1), good)
    assert said.startswith("line 2: ")
    assert complaint in said
    assert "wrote 2 consents" in said
    assert "refused 1" in said
    assert not Contact.objects.filter(email_key="a@example.de").exists()


@pytest.mark.parametrize(
    ("heading", "complaint"),
    [
        ("email,channel", "missing: purposes, recorded_at, source, evidence"),
        (HEADING + ",shoe_size", 'Unknown column "shoe_size"'),
        (HEADING.replace("email,phone,", ""), 'a column "email" or "phone"'),
    ],
)
def test_heading_that_does_not_fit_is_explained(
    do_import: Any, heading: str, complaint: str
) -> None:
    assert complaint in do_import(ROW, heading=heading)


def test_later_withdrawal_stands(do_import: Any) -> None:
    contact = make_contact("a@example.de")
    say(contact, "withdrawn", purposes=("promotion",))
    assert "withdrew promotion later" in do_import(ROW)
    assert ledger.fold(contact)["email", "promotion"].action == "withdrawn"
    assert ("email", "cart_reminder") not in ledger.fold(contact)


def test_blocked_address_stays_blocked(do_import: Any) -> None:
    suppress("email", "email", "a@example.de", reason="complaint", source="test")
    assert "the address is blocked" in do_import(ROW)
    assert not ConsentRecord.objects.exists()


def test_known_wording_is_found_by_code_and_version(do_import: Any) -> None:
    heading = HEADING.replace("wording_text", "wording,version")
    do_import(ROW)
    row = ROW.replace("Ja gern", "import-email,1").replace("a@", "c@")
    assert "wrote 2 consents" in do_import(row, heading=heading)
    assert 'no wording "import-email" in version 7' in do_import(
        row.replace(",1,", ",7,").replace("c@", "d@"), heading=heading
    )
