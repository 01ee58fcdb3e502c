"""Each thing that happens to a cart or a person is told, in its order and in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.contacts.masking import without_addresses
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.eligibility import rules
from cart_recovery.eligibility.explaining import explain
from cart_recovery.eligibility.facts import load_facts, with_relations
from cart_recovery.models import (
    Campaign,
    CartState,
    Conversion,
    DeliveryEvent,
    Enrolment,
    FollowUp,
    Message,
    Reason,
    TrackedCart,
)
from cart_recovery.stories import scopes
from cart_recovery.stories.exporting import as_json
from cart_recovery.stories.facts import Story
from cart_recovery.stories.finding import find
from cart_recovery.stories.sentences import _SENTENCES, sentence
from cart_recovery.stories.telling import tell, tell_address
from cart_recovery.stories.verdicts import prospect_text
from cart_recovery.stories.words import Reader
from tests.checkout import place_order_as_user
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db
ALL = Reader(sees_persons=True)
NOBODY = Reader(sees_persons=False)


def kinds(story: Story) -> list[str]:
    return [fact.kind for fact in story.facts]


def told(story: Story, reader: Reader = ALL) -> str:
    with translation.override("en"):
        return "\n".join(sentence(fact, reader) for fact in (*story.facts, *story.reasons))


def of_cart(cart: TrackedCart) -> Story:
    return tell(scopes.of_cart(cart), timezone.now())


class TestWhatHappened:
    def test_sent_message_is_told_from_the_first_look_to_the_report(self) -> None:
        contact = make_consent(make_contact("anna@example.de"))
        followup = make_followup(contact=contact)
        deliver_due()
        message = Message.objects.get()
        DeliveryEvent.objects.create(
            message=message, channel="email", kind="delivered", dedupe_key="1",
            occurred_at=timezone.now() + dt.timedelta(seconds=5),
        )  # fmt: skip
        story = of_cart(followup.enrolment.cart)
        wanted = [
            "cart_begun", "consent_granted", "cart_abandoned", "enrolled", "channel_chosen",
            "message_handed_over", "message_accepted", "provider_report",
        ]  # fmt: skip
        assert [kind for kind in kinds(story) if kind in wanted] == wanted
        assert "drawn by weight" in told(story)
        assert "anna@example.de" in told(story)
        assert story.prospects == ()

    def test_skipped_step_says_why(self) -> None:
        followup = make_followup()
        deliver_due()
        story = of_cart(followup.enrolment.cart)
        assert "was not sent: skipped. Reason: no consent for any channel" in told(story)
        assert "e‑mail (no consent)" in told(story)

    def test_order_conversion_and_its_end(self) -> None:
        followup = make_followup(contact=make_consent(make_contact()))
        deliver_due()
        now = timezone.now()
        Conversion.objects.create(
            order_number="100001", contact=followup.enrolment.contact, channel="email", amount=20,
            cart=followup.enrolment.cart, message=Message.objects.get(), basis="click",
            currency="EUR", credited_at=now, reversed_at=now,
        )  # fmt: skip
        text = told(of_cart(followup.enrolment.cart))
        assert "Order 100001 over €20.00 was credited" in text
        assert "The credit for order 100001 was taken back." in text

    def test_person_is_told_over_all_carts_with_withdrawals_and_blocks(self) -> None:
        contact = make_consent(make_contact("anna@example.de"))
        for _n in range(2):
            make_followup(contact=contact)
        withdraw(contact, channel="email", purposes=["cart_reminder"], source="unsubscribe_page")
        suppress("email", "email", "anna@example.de", reason="complaint", source="provider")  # type: ignore[arg-type]  # as rows hold it
        story = tell(scopes.of_contact(contact.pk), timezone.now())
        assert kinds(story).count("enrolled") == 2
        assert "The person refused cart reminders by e‑mail (source: unsubscribe_page)." in told(
            story
        )
        assert "The address was blocked for e‑mail: complaint." in told(story)

    def test_order_that_ended_it_under_another_basket_is_told(self) -> None:
        user = make_user("kauft@example.de")
        contact = make_contact("kauft@example.de", user=user)
        followup = make_followup(contact=make_consent(contact))
        order = place_order_as_user(Client(), user, make_product())
        deliver_due()
        enrolment = Enrolment.objects.get(pk=followup.enrolment_id)
        assert enrolment.reason == Reason.BOUGHT
        assert f"Order {order.number}" in told(of_cart(enrolment.cart))

    def test_every_kind_of_fact_has_a_sentence(self) -> None:
        contact = make_consent(make_contact())
        make_followup(contact=contact)
        deliver_due()
        story = tell(scopes.of_contact(contact.pk), timezone.now())
        assert {fact.kind for fact in story.facts} <= set(_SENTENCES)


class TestForetelling:
    def test_planned_step_says_what_each_rule_says(self) -> None:
        followup = make_followup(contact=make_consent(make_contact()))
        (prospect,) = of_cart(followup.enrolment.cart).prospects
        assert [f.rule for f in prospect.explanation.findings] == [
            "purchases", "enrolment", "cart", "basket", "pause", "channel", "lateness",
            "quiet_hours", "caps",
        ]  # fmt: skip
        with translation.override("en"):
            text = prospect_text(prospect)
        assert text.summary.startswith("If it were judged now, it would be sent by e‑mail")
        assert [line.outcome for line in text.lines] == ["pass"] * 9

    def test_first_refusal_decides_and_later_ones_show(self) -> None:
        followup = make_followup()
        Campaign.objects.update(is_active=False)
        (prospect,) = of_cart(followup.enrolment.cart).prospects
        with translation.override("en"):
            lines = {line.rule: line for line in prospect_text(prospect).lines}
        assert lines["enrolment"].decides
        assert not lines["channel"].decides
        assert (lines["channel"].outcome, lines["basket"].outcome) == ("skip", "pass")

    @pytest.mark.parametrize("channels", [("email",), ("sms", "email")])
    @pytest.mark.parametrize("has_consent", [True, False])
    @pytest.mark.parametrize("is_active", [True, False])
    def test_explanation_and_judgement_agree(
        self, channels: tuple[str, ...], has_consent: bool, is_active: bool
    ) -> None:
        contact = make_contact(phone="+4915112345678")
        if has_consent:
            make_consent(contact)
        campaign = make_campaign(channels=channels)
        followup = make_followup(contact=contact, campaign=campaign)
        Campaign.objects.filter(pk=campaign.pk).update(is_active=is_active)
        for hours in (0, 8, 24, 24 * 30):
            now = timezone.now() + dt.timedelta(hours=hours)
            (facts,) = load_facts(with_relations([followup.pk]), now)
            found = explain(facts, now)
            refused = [f.verdict for f in found.findings if f.verdict is not None]
            assert found.verdict == rules.judge(facts, now)
            assert found.verdict == refused[0] if refused else found.decided_by == ""


class TestWhyNot:
    def reasons(self, cart: TrackedCart) -> dict[str, Any]:
        return {fact.kind: fact.details for fact in of_cart(cart).reasons}

    def cart(self, contact: Any = None, **fields: Any) -> TrackedCart:
        return make_cart(make_basket(make_product()), contact, **fields)

    def test_nobody_knows_whose_it_is(self) -> None:
        found = self.reasons(self.cart(state=CartState.ABANDONED))
        assert "not_enrolled_nobody" in found

    def test_still_in_use(self) -> None:
        assert "not_enrolled_in_use" in self.reasons(self.cart(make_contact()))

    def test_machine_and_left_out(self) -> None:
        cart = self.cart(
            make_contact(), is_machine=True, state=CartState.EXCLUDED, state_reason="machine"
        )
        assert {"not_enrolled_machine", "not_enrolled_left_out"} <= set(self.reasons(cart))

    def test_campaign_is_off(self) -> None:
        found = self.reasons(self.cart(make_contact(), state=CartState.ABANDONED))
        assert found["not_enrolled_refused"]["reason"] == Reason.CAMPAIGN_OFF

    def test_older_than_the_activation_or_too_old(self) -> None:
        campaign = make_campaign()
        now = timezone.now()
        cart = self.cart(
            make_contact(), state=CartState.ABANDONED, last_activity_at=now - dt.timedelta(days=60)
        )
        assert self.reasons(cart)["not_enrolled_refused"]["reason"] == Reason.MISSED
        Campaign.objects.filter(pk=campaign.pk).update(activated_at=now)
        assert self.reasons(cart)["not_enrolled_refused"]["reason"] == Reason.BEFORE_ACTIVATION

    def test_missing_consent_is_named_per_channel(self) -> None:
        story = of_cart(self.cart(make_contact(), state=CartState.ABANDONED))
        assert "No reminder by e‑mail: no consent." in told(story)

    def test_bought(self) -> None:
        found = self.reasons(self.cart(make_contact(), state=CartState.ORDERED))
        assert found["not_enrolled_closed"]["cart_state"] == CartState.ORDERED

    def test_enrolled_cart_needs_no_reason(self) -> None:
        assert of_cart(make_followup().enrolment.cart).reasons == ()


class TestBounds:
    def test_story_takes_the_same_queries_for_a_little_and_for_much(self) -> None:
        contact = make_consent(make_contact())

        def count(carts: int) -> int:
            for _n in range(carts):
                make_followup(contact=contact)
            deliver_due()
            make_followup(contact=contact)
            with CaptureQueriesContext(connection) as queries:
                tell(scopes.of_contact(contact.pk), timezone.now())
            return len(queries)

        count(1)
        assert count(1) == count(8)

    def test_newest_are_told_of_very_many_and_it_says_so(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("cart_recovery.stories.rows.NEWEST", 3)
        contact = make_consent(make_contact())
        for _n in range(5):
            make_followup(contact=contact)
        story = tell(scopes.of_contact(contact.pk), timezone.now())
        assert story.is_cut
        assert kinds(story).count("enrolled") == 3


class TestReaders:
    def test_addresses_are_masked_without_the_right(self) -> None:
        contact = make_consent(make_contact("anna@example.de"))
        followup = make_followup(contact=contact)
        deliver_due()
        Message.objects.update(state="failed", detail="550 <anna@example.de> unknown, +49151123456")
        story = of_cart(followup.enrolment.cart)
        for text in (told(story, NOBODY), str(as_json(story, NOBODY))):
            assert "anna@example.de" not in text
            assert "123456" not in text
            assert "a•••@e•••.de" in text
        assert "anna@example.de" in str(as_json(story, ALL))

    def test_json_has_the_facts_of_the_page(self) -> None:
        followup = make_followup()
        story = of_cart(followup.enrolment.cart)
        data = as_json(story, ALL)
        assert [fact["kind"] for fact in data["facts"]] == kinds(story)
        assert data["planned"][0]["verdict"] == {
            "verdict": "skip", "reason": "no_consent", "ends_enrolment": False,
        }  # fmt: skip
        assert data["planned"][0]["channels"][0]["blocked_by"] == "no_consent"

    @given(st.text(), st.emails())
    def test_no_address_is_left_in_a_text(self, text: str, address: str) -> None:
        assert address not in without_addresses(f"{text} {address}")


class TestFinding:
    def test_order_basket_address_and_number(self) -> None:
        user = make_user("anna@example.de")
        contact = make_contact("anna@example.de", phone="+4915112345678", user=user)
        order = place_order_as_user(Client(), user, make_product())
        cart = make_cart(make_basket(make_product()), contact)

        def found(term: str) -> set[tuple[str, int]]:
            return {(f.kind, f.key) for f in find(term).found}

        assert found(order.number) >= {("order", order.pk)}
        assert ("cart", cart.pk) in found(f"#{cart.basket_id}")
        assert found(" Anna@Example.DE ") == {("contact", contact.pk)}
        assert found("0151 23456789") == {("contact", contact.pk)}
        scope = scopes.of_order(order.pk)
        assert scope is not None
        assert f"Order {order.number}" in told(tell(scope, timezone.now()))

    @pytest.mark.parametrize("term", ["", " ", "x" * 2_000, "9" * 40, "²", "a\x00b", "%", "'; --"])
    def test_nonsense_finds_nothing(self, term: str) -> None:
        assert find(term).found == ()

    def test_address_without_a_contact_still_has_its_blocks(self) -> None:
        suppress("email", "email", "weg@example.de", reason="complaint", source="t")  # type: ignore[arg-type]  # as rows hold it
        story = tell_address(list(find("WEG@example.de").digests))
        assert kinds(story) == ["address_blocked"]


def test_followup_rows_are_only_read() -> None:
    followup = make_followup()
    before = FollowUp.objects.values().get()
    of_cart(followup.enrolment.cart)
    assert FollowUp.objects.values().get() == before
