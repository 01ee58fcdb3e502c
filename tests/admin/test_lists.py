"""The long lists: pages by position, filters, search, masks, CSV. And what they cost."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart_recovery.admin import keyset, searches
from cart_recovery.admin.spreadsheets import safe
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import Contact, FollowUp, Message, Reply, TrackedCart
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
LISTS = (
    "message", "followup", "trackedcart", "contact", "enrolment", "conversion", "reply", "notice",
    "consentrecord", "deliveryevent", "webhookpayload", "optin",
)  # fmt: skip
keys = itertools.count(1)


@pytest.fixture(autouse=True)
def _in_english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    LocmemChannel.reset()


def clerk(*permissions: str) -> Client:
    """Somebody with these rights and no others."""
    user = make_user(is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="cart_recovery", codename__in=permissions
        )
    )
    client = Client()
    client.force_login(user)
    return client


def list_url(name: str) -> str:
    return reverse(f"admin:cart_recovery_{name}_changelist")


def rows_of(page: Any) -> list[Any]:
    return list(page.context["cl"].result_list)


def make_carts(count: int, **fields: Any) -> list[TrackedCart]:
    now = timezone.now()
    rows = TrackedCart.objects.bulk_create(
        TrackedCart(
            created_at=now, last_activity_at=now,
            **{"abandoned_at": now - dt.timedelta(minutes=n), **fields},
        )
        for n in range(count)
    )  # fmt: skip
    return list(rows)


def send(*addresses: str) -> None:
    for address in addresses:
        make_followup(contact=make_consent(make_contact(address)))
    deliver_due()


def follow(client: Client, name: str, link: str, query: str = "") -> list[list[int]]:
    """The keys on each page, from the first one along the links."""
    url, pages = list_url(name) + query, []
    for _n in range(50):
        cl = client.get(url).context["cl"]
        pages.append([row.pk for row in cl.result_list])
        step = getattr(cl, link)
        if not step:
            return pages
        url = list_url(name) + step
    raise AssertionError("the pages have no end")


class TestPages:
    def test_all_rows_come_once_newest_first(self, staff: Client) -> None:
        carts = make_carts(120)
        pages = follow(staff, "trackedcart", "older_link")
        assert [len(page) for page in pages] == [50, 50, 20]
        assert list(itertools.chain(*pages)) == [cart.pk for cart in reversed(carts)]

    def test_newer_leads_back_to_the_same_pages(self, staff: Client) -> None:
        make_carts(120)
        first, second, _third = follow(staff, "trackedcart", "older_link")
        cl = staff.get(list_url("trackedcart") + f"?older={second[-1]}").context["cl"]
        back = staff.get(list_url("trackedcart") + cl.newer_link).context["cl"]
        assert [row.pk for row in back.result_list] == second
        top = staff.get(list_url("trackedcart") + back.newer_link).context["cl"]
        assert [row.pk for row in top.result_list] == first
        assert top.newer_link == ""

    def test_period_orders_by_its_moment_with_ties(self, staff: Client) -> None:
        same = timezone.now()
        make_carts(60, abandoned_at=same)
        make_carts(60)
        since = (timezone.localdate() - dt.timedelta(days=3)).isoformat()
        pages = follow(staff, "trackedcart", "older_link", f"?since={since}")
        found = list(itertools.chain(*pages))
        wanted = TrackedCart.objects.order_by("-abandoned_at", "-pk").values_list("pk", flat=True)
        assert found == list(wanted)

    def test_period_has_both_ends(self, staff: Client) -> None:
        now = timezone.now()
        inside, _before, _after = (
            make_carts(1, abandoned_at=now - dt.timedelta(days=days))[0] for days in (5, 9, 1)
        )
        day = timezone.localdate(now - dt.timedelta(days=5)).isoformat()
        page = staff.get(list_url("trackedcart"), {"since": day, "until": day})
        assert rows_of(page) == [inside]

    @pytest.mark.parametrize(
        "query",
        [
            "older=x",
            "older=-1",
            "older=9" + "9" * 30,
            "newer=1~2026",
            "older=1~nonsense",
            "since=2026-99-99",
            "since=x",
            "until=9999-12-31",
            "state=nonsense",
            "older=²",
            "campaign=x",
            "reason=%00",
            "older=1~2026-01-01T00:00:00%2B00:00",
        ],
    )
    def test_nonsense_in_the_url_is_no_error(self, staff: Client, query: str) -> None:
        for name in ("message", "trackedcart"):
            answer = staff.get(f"{list_url(name)}?{query}")
            assert answer.status_code in (200, 302, 400)

    @pytest.mark.parametrize("name", LISTS)
    def test_no_page_counts_or_skips_rows(self, staff: Client, name: str) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(list_url(name)).status_code == 200
        ours = [q["sql"] for q in queries if f"cart_recovery_{name}" in q["sql"]]
        assert ours
        assert [
            sql for sql in ours if "COUNT(" in sql or "OFFSET" in sql or "DISTINCT" in sql
        ] == []


class TestWindow:
    """A filter that hardly any row matches must not read the whole table."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(keyset, "WINDOW", 30)

    def test_short_page_says_so_and_goes_on(self, staff: Client) -> None:
        wanted = make_carts(2, state="deleted")
        make_carts(100, state="ordered")
        page = staff.get(list_url("trackedcart") + "?state=deleted")
        assert rows_of(page) == []
        assert page.context["cl"].page.is_cut
        assert "This page looked through" in page.content.decode()
        pages = follow(staff, "trackedcart", "older_link", "?state=deleted")
        assert sorted(itertools.chain(*pages)) == [cart.pk for cart in wanted]
        assert len(pages) == 4

    def test_it_works_upwards_too(self, staff: Client) -> None:
        oldest = make_carts(1, state="ordered")[0]
        make_carts(100, state="ordered")
        wanted = make_carts(2, state="deleted")
        url = f"?state=deleted&newer={oldest.pk}"
        pages = follow(staff, "trackedcart", "newer_link", url)
        assert [cart.pk for cart in reversed(wanted)] in pages

    def test_filter_with_an_index_looks_as_far_as_it_must(self, staff: Client) -> None:
        send("anna@example.de")
        Message.objects.update(state="failed")
        problem = Message.objects.get()
        for _n in range(40):
            make_followup(contact=make_consent(make_contact()))
        deliver_due()
        for query in ("?problems=yes", "?state=failed", "?q=anna@example.de"):
            assert rows_of(staff.get(list_url("message") + query)) == [problem], query


class TestFilters:
    def test_campaign_reason_channel_and_problem(self, staff: Client) -> None:
        campaign, other = make_campaign(), make_campaign()
        mine = make_followup(contact=make_consent(make_contact()), campaign=campaign)
        make_followup(contact=make_consent(make_contact()), campaign=other)
        skipped = make_followup(campaign=other)
        deliver_due()
        message = Message.objects.get(followup=mine)
        page = staff.get(list_url("message"), {"campaign": campaign.pk})
        assert rows_of(page) == [message]
        page = staff.get(list_url("followup"), {"campaign": other.pk, "reason": "no_consent"})
        assert rows_of(page) == [skipped]
        assert rows_of(staff.get(list_url("message"), {"channel": "sms"})) == []
        FollowUp.objects.filter(pk=skipped.pk).update(reason="template_error")
        assert rows_of(staff.get(list_url("followup"), {"problems": "yes"})) == [skipped]

    def test_state_shows_as_icon_and_word(self, staff: Client) -> None:
        send("anna@example.de")
        text = staff.get(list_url("message")).content.decode()
        assert 'aria-hidden="true">•</span> accepted by the provider' in text

    def test_only_shown_filters_are_obeyed(self, staff: Client) -> None:
        """`email__startswith` in the URL would spell out what is masked."""
        make_contact("anna@example.de")
        for query in ("email__startswith=a", "email_key__gt=a", "user__password__startswith=p"):
            assert staff.get(f"{list_url('contact')}?{query}").status_code == 400

    def test_links_from_other_pages_work(self, staff: Client) -> None:
        followup = make_followup()
        make_followup()
        page = staff.get(list_url("trackedcart"), {"contact": followup.enrolment.contact_id})
        assert rows_of(page) == [followup.enrolment.cart]


class TestSearch:
    @pytest.mark.parametrize("name", ["followup", "trackedcart", "enrolment"])
    def test_rows_of_a_person_are_found_by_the_whole_address(
        self, staff: Client, name: str
    ) -> None:
        followup = make_followup(contact=make_contact("anna@example.de"))
        make_followup()
        wanted = {
            "followup": followup, "trackedcart": followup.enrolment.cart,
            "enrolment": followup.enrolment,
        }[name]  # fmt: skip
        assert rows_of(staff.get(list_url(name), {"q": " Anna@Example.DE "})) == [wanted]
        assert rows_of(staff.get(list_url(name), {"q": "anna@"})) == []

    def test_what_is_typed_stands_in_no_url(self, staff: Client) -> None:
        contact = make_contact("anna@example.de")
        make_contact()
        path = list_url("contact") + "?language=de&older=5"
        answer = staff.post(path, {"searched": " Anna@Example.DE "})
        assert answer.status_code == 302
        target = answer["Location"]
        assert target.startswith(f"{list_url('contact')}?language=de&q=~")
        assert "anna" not in target.casefold()
        Contact.objects.filter(pk=contact.pk).update(language="de")
        page = staff.get(target)
        assert rows_of(page) == [contact]
        assert 'value="Anna@Example.DE"' in page.content.decode()
        links = re.findall(r'(?:href|action)="([^"]*)"', page.content.decode())
        assert not [link for link in links if "anna" in link.casefold()]

    def test_search_of_somebody_else_or_of_long_ago_is_to_be_typed_again(
        self, staff: Client
    ) -> None:
        make_contact("anna@example.de")
        target = staff.post(list_url("contact"), {"searched": "anna@example.de"})["Location"]
        for number in range(searches.MOST):
            staff.post(list_url("contact"), {"searched": f"n{number}@example.de"})
        other = Client()
        other.force_login(make_user(is_staff=True, is_superuser=True))
        for client in (staff, other):
            page = client.get(target, follow=True)
            assert "Type it again" in page.content.decode()

    def test_nothing_searched_is_the_whole_list(self, staff: Client) -> None:
        answer = staff.post(list_url("contact") + "?q=~abc&language=de", {"searched": "  "})
        assert answer["Location"] == f"{list_url('contact')}?language=de"

    def test_search_needs_the_right_to_look(self) -> None:
        refused = clerk("view_campaign").post(list_url("contact"), {"searched": "a@example.de"})
        assert refused.status_code == 403

    def test_cart_is_found_by_the_number_of_its_basket(self, staff: Client) -> None:
        cart = make_cart(make_basket(make_product()))
        make_cart(make_basket(make_product()))
        assert rows_of(staff.get(list_url("trackedcart"), {"q": f"#{cart.basket_id}"})) == [cart]

    def test_begin_of_an_address_finds_only_for_who_may_see_it(self, staff: Client) -> None:
        contact = make_contact("anna@example.de")
        assert rows_of(staff.get(list_url("contact"), {"q": "ann"})) == [contact]
        masked = clerk("view_contact")
        assert rows_of(masked.get(list_url("contact"), {"q": "ann"})) == []
        assert rows_of(masked.get(list_url("contact"), {"q": "anna@example.de"})) == [contact]

    @pytest.mark.parametrize("name", LISTS)
    def test_a_megabyte_and_nonsense_find_nothing(self, staff: Client, name: str) -> None:
        for term in ("x" * 5_000, "<script>alert(1)</script>", "%", "'", "\x00"):
            answer = staff.get(list_url(name), {"q": term})
            assert answer.status_code in (200, 302)
            assert b"<script>alert" not in answer.content


class TestMasks:
    ADDRESS = "anna.mustermann@example.de"
    RIGHTS = (
        "view_message", "view_contact", "view_followup", "view_trackedcart", "view_enrolment",
        "view_reply", "view_webhookpayload", "view_deliveryevent", "view_consentrecord",
        "change_contact",
    )  # fmt: skip

    @pytest.fixture(autouse=True)
    def _rows(self) -> None:
        from cart_recovery.models import DeliveryEvent, WebhookPayload

        contact = make_consent(make_contact(self.ADDRESS, phone="+4915112345678"))
        make_followup(contact=contact)
        deliver_due()
        Message.objects.update(subject="Anna Mustermann, dein Korb", detail=f"550 {self.ADDRESS}")
        DeliveryEvent.objects.create(
            message=Message.objects.get(), channel="email", kind="bounced", dedupe_key="1",
            occurred_at=timezone.now(), detail=f"<{self.ADDRESS}> unknown",
        )  # fmt: skip
        Reply.objects.create(
            channel="sms", contact=contact, sender="+4915112345678", body="Gruß, Anna Mustermann",
            provider_message_id="1",
        )  # fmt: skip
        WebhookPayload.objects.create(channel="email", body=self.ADDRESS)

    def pages(self, client: Client) -> Any:
        from django.apps import apps

        for right in self.RIGHTS:
            name = right.partition("_")[2]
            yield client.get(list_url(name))
            model = apps.get_model("cart_recovery", name)
            for row in model._default_manager.all():
                yield client.get(reverse(f"admin:cart_recovery_{name}_change", args=[row.pk]))
                if name in ("message", "contact", "followup", "trackedcart", "enrolment"):
                    yield client.get(reverse(f"admin:cart_recovery_{name}_why", args=[row.pk]))
                    yield client.get(reverse(f"admin:cart_recovery_{name}_why_json", args=[row.pk]))
            if name not in ("webhookpayload",):
                yield client.get(list_url(name) + "export.csv")

    def test_nobody_is_named_without_the_right(self) -> None:
        for page in self.pages(clerk(*self.RIGHTS)):
            assert page.status_code == 200
            body = page.getvalue() if page.streaming else page.content
            for trace in (b"mustermann", b"Mustermann", b"15112345678", b"12345678"):
                assert trace not in body, page.request["PATH_INFO"]

    def test_who_has_the_right_reads_all(self) -> None:
        client = clerk(*self.RIGHTS, "see_personal_data")
        assert self.ADDRESS in client.get(list_url("contact")).content.decode()
        assert self.ADDRESS in client.get(list_url("message")).content.decode()

    def test_contact_can_still_be_changed(self) -> None:
        contact = Contact.objects.get(email_key=self.ADDRESS)
        client = clerk(*self.RIGHTS)
        url = reverse("admin:cart_recovery_contact_change", args=[contact.pk])
        data = {
            "language": "en", "country": "DE", "time_zone": "", "preferred_channel": "sms",
            "consent_states-TOTAL_FORMS": 0, "consent_states-INITIAL_FORMS": 0,
        }  # fmt: skip
        assert client.post(url, data).status_code == 302
        contact.refresh_from_db()
        assert (contact.email, contact.language) == (self.ADDRESS, "en")


class TestExport:
    def read(self, answer: Any) -> list[dict[str, str]]:
        text = answer.getvalue().decode()
        assert text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        # where numbers have a comma, columns are parted by semicolons
        delimiter = ";" if ";" in text.partition("\r\n")[0] else ","
        return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))

    def test_it_has_what_the_list_has_with_its_filters(self, staff: Client) -> None:
        carts = make_carts(70, state="ordered")
        make_carts(5, state="deleted")
        answer = staff.get(list_url("trackedcart") + "export.csv?state=ordered")
        assert answer["Content-Disposition"].startswith('attachment; filename="trackedcart-')
        found = self.read(answer)
        assert [int(row["Number"]) for row in found] == [cart.pk for cart in reversed(carts)]
        assert found[0]["State"] == "ordered"

    def test_it_comes_in_chunks_whatever_their_number(
        self, staff: Client, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr("cart_recovery.admin.exporting.CHUNK", 7)
        make_carts(30)
        answer: Any = staff.get(list_url("trackedcart") + "export.csv")
        chunks = list(answer.streaming_content)
        assert len(chunks) == 6
        assert max(chunk.count(b"\r\n") for chunk in chunks) == 7

    def test_header_is_in_the_reader_s_language(self, staff: Client, settings: Any) -> None:
        settings.LANGUAGE_CODE = "de"
        make_carts(1)
        answer = staff.get(list_url("trackedcart") + "export.csv", HTTP_ACCEPT_LANGUAGE="de")
        assert "Status" in self.read(answer)[0]

    def test_related_rows_cost_no_queries_of_their_own(self, staff: Client) -> None:
        def count(rows: int) -> int:
            for _n in range(rows):
                make_followup(contact=make_consent(make_contact()))
            deliver_due()
            with CaptureQueriesContext(connection) as queries:
                staff.get(list_url("message") + "export.csv").getvalue()  # type: ignore[attr-defined]  # a stream
            return len(queries)

        count(1)
        assert count(1) == count(9)

    @pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
    def test_no_cell_is_a_formula(self, text: str) -> None:
        assert str(safe(text)).startswith("'")

    def test_formula_of_a_shopper_arrives_as_text(self, staff: Client) -> None:
        Reply.objects.create(
            channel="sms", sender="+491511", body='=HYPERLINK("http://x")', provider_message_id="1"
        )
        (row,) = self.read(staff.get(list_url("reply") + "export.csv"))
        assert row["Text"] == '\'=HYPERLINK("http://x")'

    def test_it_is_refused_without_the_right_to_the_list(self) -> None:
        answer = clerk("view_contact").get(list_url("message") + "export.csv")
        assert answer.status_code == 403

    def test_nonsense_leads_back_to_the_list(self, staff: Client) -> None:
        answer = staff.get(list_url("message") + "export.csv?state=nonsense")
        assert (answer.status_code, answer["Location"]) == (302, list_url("message"))
