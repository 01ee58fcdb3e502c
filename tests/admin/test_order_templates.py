"""Templates about orders in the editor: chosen once, tried out with orders, the same for a code."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from cart_recovery.campaigns.defaults import install_defaults
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import MessageTemplate, Notice
from cart_recovery.rendering import versions
from cart_recovery.rendering.order_previews import ORDER_SAMPLES
from tests.admin.desk import Desk
from tests.admin.test_template_editor import PREVIEW, TEST, change_url, preview, row, typed
from tests.admin.test_template_editor_browser import mail_says, refreshed, says
from tests.factories import make_basket, make_cart, make_contact, make_product, make_user
from tests.shop.test_order_views import make_order

ADD = "admin:cart_recovery_messagetemplate_add"


@pytest.fixture(autouse=True)
def _english() -> Any:
    LocmemChannel.reset()
    with translation.override("en"):
        yield


@pytest.fixture
def staff(editor: Client) -> Client:
    return editor


def shipped(code: str = "order-shipped", channel: str = "email") -> MessageTemplate:
    return row(code, channel)


@pytest.mark.django_db
class TestPreview:
    @pytest.mark.parametrize("key", [sample.key for sample in ORDER_SAMPLES])
    @pytest.mark.parametrize(
        ("code", "channel"),
        [
            ("order-partly-shipped", "email"), ("review-request-1", "email"),
            ("cross-sell-1", "email"), ("review-request-1", "sms"),
        ],
    )  # fmt: skip
    def test_every_sample_can_be_shown(
        self, staff: Client, key: str, code: str, channel: str
    ) -> None:
        found = preview(staff, template=shipped(code, channel), preview_data=key)
        assert found["problems"] == []
        assert found["text"]

    def test_samples_are_what_they_say(self, staff: Client) -> None:
        def shown(key: str, code: str = "order-shipped", part: str = "html") -> str:
            return str(preview(staff, template=shipped(code), preview_data=key)[part])

        assert shown("one").count('class="title"') == 1
        assert shown("many").count('class="title"') == 20
        assert "Das kommt noch" in shown("partial", "order-partly-shipped")
        assert "124,00" in shown("refund", "order-refunded")
        assert "ob gut oder schlecht" in shown("thanks", "review-request-1")
        assert "ob gut oder schlecht" not in shown("normal", "review-request-1")
        assert shown("normal", "review-request-1").count('class="score-link"') == 6
        assert "BEISPIEL2345" in shown("voucher", "cross-sell-1")
        assert "<img" not in shown("no-picture")
        assert "Sendung verfolgen" in shown("normal")
        assert "Sendung verfolgen" not in shown("bare")

    @pytest.mark.parametrize(("home", "is_shown"), [("DE", False), ("US", True)])
    def test_service_messages_show_nothing_that_is_never_sent(
        self, staff: Client, settings: Any, home: str, is_shown: bool
    ) -> None:
        install_defaults()
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "DEFAULT_COUNTRY": home}
        html = (
            "<p>{{ order_number }}{% if voucher %}{{ voucher.code }}{% endif %}</p>"
            "{% recommendations %}"
        )
        for code, shows in (("order-shipped", is_shown), ("cross-sell-1", True)):
            found = preview(staff, template=shipped(code), preview_data="voucher", html=html)
            assert ("BEISPIEL2345" in found["html"]) == shows
            assert ("Leinenhemd" in found["html"].partition("100482")[2]) == shows

    def test_nor_do_their_tests(self, staff: Client) -> None:
        install_defaults()
        html = "<p>{{ order_number }}{% if voucher %}{{ voucher.code }}{% endif %}</p>"
        answer = preview(staff, TEST, template=shipped(), preview_data="voucher", html=html)
        assert answer["note"]
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert "100482" in sent.html
        assert "BEISPIEL2345" not in sent.html

    @pytest.mark.parametrize("code", ["order-shipped", "order-unpaid-1", "review-request-1"])
    def test_a_text_counts_with_its_way_out(self, staff: Client, code: str) -> None:
        found = preview(staff, template=shipped(code, "sms"), preview_data="normal")
        assert found["text"].endswith("STOP")

    def test_an_order_of_the_shop_is_shown_without_a_link_that_works(self, staff: Client) -> None:
        order = make_order(make_product("Teekanne"), number="A-17")
        found = preview(
            staff, template=shipped(), preview_data=f"order-{order.pk}",
            html="{% products %}<p>{{ order_number }} {% if order_url %}{{ order_url }}{% endif %}</p>",
        )  # fmt: skip
        assert found["problems"] == []
        assert "Teekanne (bestellt)" in found["html"]
        assert "A-17" in found["html"]
        assert order.verification_hash() not in found["html"]
        assert "._sample_link_leads_no_" in found["html"]

    @pytest.mark.parametrize("key", ["order-999999", "order-x", "order-", "order-" + "9" * 30])
    def test_an_order_that_is_gone_is_said(self, staff: Client, key: str) -> None:
        (problem,) = preview(staff, template=shipped(), preview_data=key)["problems"]
        assert problem["field"] == "data"
        assert "gibt es nicht mehr" in problem["reason"]

    def test_it_takes_the_same_queries_however_much_was_ordered(self, staff: Client) -> None:
        def count(lines: int) -> int:
            order = make_order(*(make_product() for _n in range(lines)))
            with CaptureQueriesContext(connection) as queries:
                found = preview(staff, template=shipped(), preview_data=f"order-{order.pk}")
                assert found["problems"] == []
            return len(queries)

        count(1)
        assert count(2) == count(12) < 20

    def test_buyers_show_masked_without_the_right(self, staff: Client, clerk: Client) -> None:
        order = make_order(make_product(), guest_email="erika@example.de")
        page = staff.get(change_url(shipped())).content.decode()
        assert f"Order {order.number}, erika@example.de, 1 product" in page
        page = clerk.get(change_url(shipped())).content.decode()
        assert "erika" not in page
        assert f'value="order-{order.pk}"' in page

    def test_the_list_of_orders_takes_the_same_queries_for_many(self, staff: Client) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(change_url(shipped())).status_code == 200
            return len(queries)

        make_order(make_product())
        few = count()
        for _n in range(8):
            make_order(make_product(), make_product())
        assert count() == few

    def test_each_subject_gets_its_own_data_and_placeholders(self, staff: Client) -> None:
        make_order(make_product())
        make_cart(make_basket(make_product()), make_contact())
        about_order = staff.get(change_url(shipped())).content.decode()
        about_cart = staff.get(change_url(row())).content.decode()
        assert "{{ order_number }}" in about_order
        assert "{{ restore_url }}" not in about_order
        assert 'value="cart-' not in about_order
        assert "{{ restore_url }}" in about_cart
        assert "{{ order_number }}" not in about_cart
        assert 'value="order-' not in about_cart
        both = staff.get(reverse(ADD)).content.decode()
        for text in ("{{ order_number }}", "{{ restore_url }}", 'value="cart-', 'value="order-'):
            assert text in both

    def test_what_an_order_does_not_have_is_told_with_its_line(self, staff: Client) -> None:
        (problem,) = preview(staff, template=shipped(), html="<p>a</p>\n{{ restore_url }}")[
            "problems"
        ]
        assert (problem["field"], problem["line"]) == ("html", 2)
        assert "There is no placeholder “restore_url”" in problem["reason"]

    def test_nonsense_as_subject_is_refused(self, staff: Client) -> None:
        (problem,) = preview(staff, about="<script>")["problems"]
        assert problem["field"] == "about"

    def test_who_may_not_write_gets_nothing(self) -> None:
        client = Client()
        client.force_login(make_user(is_staff=True))
        assert client.post(reverse(PREVIEW), typed(shipped())).status_code == 403

    @pytest.mark.parametrize("key", ["thanks", "normal"])
    def test_a_test_send_shows_what_the_preview_shows(self, staff: Client, key: str) -> None:
        code = "review-request-1"
        shown = preview(staff, template=shipped(code), preview_data=key)
        assert not preview(staff, TEST, template=shipped(code), preview_data=key)["is_refused"]
        assert Notice.objects.get().content["about"] == "order"
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert sent.subject == "[Test] " + shown["subject"]
        assert ("ob gut oder schlecht" in sent.html) is (key == "thanks")


@pytest.mark.django_db
class TestSubject:
    def test_it_is_chosen_with_a_new_template(self, staff: Client) -> None:
        new = typed(shipped(), code="neu", seen_revision="")
        assert staff.post(reverse(ADD), new).status_code == 302
        assert row("neu").about == "order"

    def test_it_cannot_be_changed_afterwards(self, staff: Client) -> None:
        answer = staff.post(change_url(shipped()), typed(shipped(), about="cart", subject="Neu"))
        assert answer.status_code == 302
        assert (shipped().about, shipped().subject) == ("order", "Neu")

    def test_a_text_for_the_other_subject_is_refused_with_its_line(self, staff: Client) -> None:
        answer = staff.post(reverse(ADD), typed(shipped(), code="neu", about="cart"))
        assert answer.status_code == 200
        errors = answer.context["adminform"].form.errors
        assert "order_number" in str(errors["subject"])
        assert shipped().subject in answer.context["adminform"].form["subject"].value()

    @pytest.mark.parametrize(("channel", "language"), [("email", "en"), ("sms", "de")])
    def test_it_is_the_same_for_all_languages_and_channels(
        self, staff: Client, channel: str, language: str
    ) -> None:
        MessageTemplate.objects.filter(code="order-shipped").exclude(
            channel="email", language="de"
        ).delete()
        text = "Da! {{ restore_url }}"
        new = typed(
            shipped(), about="cart", channel=channel, language=language, subject="A",
            preheader="", html="<p>x</p>", text=text,
        )  # fmt: skip
        answer = staff.post(reverse(ADD), new)
        assert answer.status_code == 200
        (reason,) = answer.context["adminform"].form.errors["about"]
        assert "“order-shipped” that are about an order" in reason
        assert text in answer.content.decode()

    def test_a_code_cannot_be_taken_over_by_renaming(self, staff: Client) -> None:
        spare = row()
        spare.pk, spare.code = None, "spare"
        spare.save()
        answer = staff.post(change_url(spare), typed(spare, code="order-delayed", language="fr"))
        assert "about an order" in str(answer.context["adminform"].form.errors["code"])

    def test_a_missing_language_begins_with_the_subject_too(self, staff: Client) -> None:
        row("order-shipped", language="en").delete()
        begin = {"code": "order-shipped", "channel": "email", "language": "en"}
        form = staff.get(reverse(ADD), begin).context["adminform"].form
        assert form["about"].value() == "order"
        own = shipped()
        own.pk, own.code = None, "eigen"
        own.save()
        form = staff.get(reverse(ADD), begin | {"code": "eigen"}).context["adminform"].form
        assert form["about"].value() == "order"

    def test_a_version_comes_back(self, staff: Client) -> None:
        before = shipped().html
        assert (
            staff.post(change_url(shipped()), typed(shipped(), html="<p>a</p>")).status_code == 302
        )
        url = reverse("admin:cart_recovery_messagetemplate_roll_back", args=[shipped().pk])
        staff.post(url, {"number": 1, "seen_revision": 2})
        assert (shipped().html, shipped().revision) == (before, 3)
        assert versions.base_of(shipped(), 3) is not None


@pytest.mark.django_db(transaction=True)
def test_a_new_template_about_an_order_is_written_in_a_browser(
    desk: Desk, live_server: Any, settings: Any
) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PUBLIC_BASE_URL": live_server.url}
    make_order(make_product("Teekanne"), number="A-17")
    page = desk.open(reverse(ADD))
    refreshed(page)
    page.click(".cr-palette summary")
    assert not page.locator('.cr-insert[data-text="{{ order_number }}"]').is_visible()
    page.fill("[name=code]", "neu")
    page.select_option("[name=about]", "order")
    assert not page.locator('.cr-insert[data-text="{{ restore_url }}"]').is_visible()
    page.fill("[name=subject]", "Zu Ihrer Bestellung ")
    page.focus("[name=subject]")
    page.keyboard.press("End")
    page.click('.cr-insert[data-text="{{ order_number }}"]')
    page.fill("[name=html]", "<h1>Hallo</h1>\n{% products %}\n{% ratings 'Wie war es?' %}")
    page.select_option(
        "[name=preview_data]", label=page.locator("option[value^=order-]").inner_text()
    )
    says(page, ".cr-inbox-subject", "Zu Ihrer Bestellung A-17")
    mail_says(page, "Teekanne (bestellt)")
    desk.assert_accessible(page)
    desk.look(page, "templates-order")
    page.click("[name=_continue]")
    page.wait_for_selector(".messagelist .success")
    assert row("neu").about == "order"
    # it cannot be chosen any more, and the preview goes on with it
    refreshed(page)
    assert page.locator("select[name=about]").count() == 0
    says(page, ".cr-inbox-subject", "Zu Ihrer Bestellung 100482")
    page.select_option("[name=preview_data]", "many")
    mail_says(page, "Leinenhemd")
