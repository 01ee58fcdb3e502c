"""What the template editor answers, keeps and refuses."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from oscar.core.loading import get_model

from cart_recovery.admin.template_palette import palette
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.models import MessageTemplate, Notice
from cart_recovery.rendering import versions
from cart_recovery.rendering.cart_previews import CART_SAMPLES
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_contact,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db
PREVIEW = "admin:cart_recovery_messagetemplate_preview"
FRAME = "admin:cart_recovery_messagetemplate_preview_frame"
TEST = "admin:cart_recovery_messagetemplate_send_test"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _english() -> Any:
    LocmemChannel.reset()
    with translation.override("en"):
        yield


@pytest.fixture
def staff(editor: Client) -> Client:
    return editor


def row(
    code: str = "abandoned-basket-1", channel: str = "email", language: str = "de"
) -> MessageTemplate:
    return MessageTemplate.objects.get(code=code, channel=channel, language=language)


def typed(template: MessageTemplate | None = None, **changes: Any) -> dict[str, Any]:
    template = template or row()
    names = ("code", "about", "channel", "language", "subject", "preheader", "html", "text")
    texts = {name: getattr(template, name) for name in names}
    return {**texts, "seen_revision": template.revision, **changes}


def preview(client: Client, url: str = PREVIEW, **changes: Any) -> dict[str, Any]:
    answer = client.post(reverse(url), typed(**changes), headers={"Accept": "application/json"})
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.content)
    return found


def change_url(template: MessageTemplate) -> str:
    return reverse("admin:cart_recovery_messagetemplate_change", args=[template.pk])


class TestPreview:
    def test_it_shows_what_is_typed_and_saves_nothing(self, staff: Client) -> None:
        found = preview(staff, subject="Noch da, {{ first_line.title }}?", html="<p>Gut</p>")
        assert found["problems"] == []
        assert found["subject"].startswith("Noch da, ")
        assert "<p" in found["html"]
        assert "Gut" in found["html"]
        assert row().revision == 1
        assert Notice.objects.count() == 0

    def test_mistakes_are_told_with_field_line_and_reason(self, staff: Client) -> None:
        found = preview(staff, html="<p>a</p>\n<p>{{ nix }}</p>", subject="{% if %}")
        assert [(p["field"], p["line"]) for p in found["problems"]] == [("subject", 1), ("html", 2)]
        assert "There is no placeholder “nix”" in found["problems"][1]["reason"]
        assert found["problems"][1]["where"] == "HTML, line 2"
        assert found["result"] == found["html"] == ""

    @pytest.mark.parametrize("key", [sample.key for sample in CART_SAMPLES])
    @pytest.mark.parametrize(
        "template", [("abandoned-basket-3", "email"), ("abandoned-basket-2", "sms")]
    )
    def test_every_sample_can_be_shown(
        self, staff: Client, key: str, template: tuple[str, str]
    ) -> None:
        found = preview(staff, template=row(*template), preview_data=key)
        assert found["problems"] == []
        assert found["text"]

    def test_samples_are_what_they_say(self, staff: Client) -> None:
        def text(key: str) -> str:
            return str(preview(staff, preview_data=key, text="{% products %}")["text"])

        assert "20" in text("many")
        assert "☕😀" in text("emoji")
        assert "0,00" in text("free")
        html = preview(staff, preview_data="no-picture", html="{% products %}")["html"]
        assert "<img" not in html
        assert "<img" in preview(staff, html="{% products %}")["html"]

    def test_data_that_is_gone_is_said(self, staff: Client) -> None:
        (problem,) = preview(staff, preview_data="cart-999999")["problems"]
        assert problem["field"] == "data"
        assert "no longer there" in problem["reason"]

    def test_a_cart_of_the_shop_takes_few_queries_however_much_lies_in_it(
        self, staff: Client
    ) -> None:
        def count(lines: int) -> int:
            cart = make_cart(make_basket(*(make_product() for _n in range(lines))), make_contact())
            with CaptureQueriesContext(connection) as queries:
                assert preview(staff, preview_data=f"cart-{cart.pk}")["problems"] == []
            return len(queries)

        count(1)
        assert count(2) == count(12) < 25

    def test_names_and_wishes_of_shoppers_show_masked_without_the_right(
        self, staff: Client, clerk: Client
    ) -> None:
        basket = make_basket(make_product("Ring"))
        option = get_model("catalogue", "Option").objects.create(name="Gravur", code="gravur")
        line = basket.lines.get()
        get_model("basket", "LineAttribute").objects.create(
            line=line, option=option, value="Für Erika"
        )
        cart = make_cart(basket, make_contact("erika@example.de"))
        key = f"cart-{cart.pk}"
        assert "Für Erika" in preview(staff, preview_data=key)["html"]
        assert "Für Erika" not in str(preview(clerk, preview_data=key))
        assert "erika@example.de" in staff.get(change_url(row())).content.decode()
        page = clerk.get(change_url(row())).content.decode()
        assert "erika" not in page
        assert key in page

    def test_there_is_no_link_that_works(self, staff: Client) -> None:
        cart = make_cart(make_basket(make_product()), make_contact())
        found = preview(staff, preview_data=f"cart-{cart.pk}", html="<p>{{ restore_url }}</p>")
        for path in ("/_Sample-Link", "._sample_link_leads_no_"):
            assert path in found["html"]
        assert get_model("cart_recovery", "RestoreLink").objects.count() == 0

    @pytest.mark.parametrize(
        "field", ["subject", "preheader", "html", "text", "channel", "language", "preview_data"]
    )
    def test_script_in_a_field_is_never_part_of_a_page(self, staff: Client, field: str) -> None:
        data = typed(**{field: SCRIPT})
        as_json = preview(staff, **{field: SCRIPT})
        assert SCRIPT not in as_json["result"]
        assert SCRIPT not in as_json["html"]
        for url in (PREVIEW, FRAME, TEST):
            assert SCRIPT not in staff.post(reverse(url), data).content.decode(), url
        assert SCRIPT not in staff.post(change_url(row()), data).content.decode()

    def test_the_frame_forbids_everything_but_pictures_and_styles(self, staff: Client) -> None:
        answer = staff.post(reverse(FRAME), typed())
        policy = answer.headers["Content-Security-Policy"]
        for part in (
            "default-src 'none'",
            "sandbox",
            "form-action 'none'",
            "frame-ancestors 'self'",
        ):
            assert part in policy
        assert "allow-scripts" not in policy
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert staff.post(reverse(FRAME), typed(html="{{ nix }}")).status_code == 422

    def test_colors_are_those_asked_for(self, staff: Client) -> None:
        dark = staff.post(reverse(FRAME), typed(preview_scheme="dark")).content.decode()
        light = staff.post(reverse(FRAME), typed(preview_scheme="light")).content.decode()
        assert "@media all {" in dark
        assert "@media not all {" in light
        assert "prefers-color-scheme" not in dark + light

    @pytest.mark.parametrize("field", ["subject", "html", "text"])
    def test_a_megabyte_is_refused_with_the_reason(self, staff: Client, field: str) -> None:
        problems = preview(staff, **{field: "ä" * 500_000})["problems"]
        assert problems[0]["field"] == field
        assert any(limit in problems[0]["reason"] for limit in ("64000", "255"))
        answer = staff.post(change_url(row()), typed(**{field: "ä" * 500_000}))
        assert answer.status_code == 200
        assert field in answer.context["adminform"].form.errors
        assert row().revision == 1

    def test_a_channel_that_is_gone_is_said_everywhere(self, staff: Client, settings: Any) -> None:
        MessageTemplate.objects.filter(pk=row().pk).update(channel="pigeon")
        gone = row(channel="pigeon")
        page = staff.get(change_url(gone)).content.decode()
        assert "The channel “pigeon” is not set up" in page
        (problem,) = preview(staff, template=gone)["problems"]
        assert problem["field"] == "channel"
        assert "email, sms" in problem["reason"]
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "CHANNELS": {"email": {"BACKEND": "no.such"}},
        }
        (problem,) = preview(staff, template=row("abandoned-basket-2"))["problems"]
        assert "not set up rightly" in problem["reason"]
        assert staff.get(change_url(row("abandoned-basket-2"))).status_code == 200

    def test_get_is_no_way_to_ask(self, staff: Client) -> None:
        for url in (PREVIEW, FRAME, TEST):
            assert staff.get(reverse(url)).status_code == 405

    def test_a_foreign_page_cannot_ask(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_user(is_staff=True, is_superuser=True))
        for url in (PREVIEW, FRAME, TEST):
            assert client.post(reverse(url), typed()).status_code == 403


class TestShortMessages:
    def ask(self, staff: Client, text: str) -> dict[str, Any]:
        return preview(staff, template=row("abandoned-basket-2", "sms"), text=text)

    def test_price_parts_and_culprits(self, staff: Client, settings: Any) -> None:
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "PRICES": {"sms": (Decimal("0.0825"), "EUR")},
        }
        result = self.ask(staff, "Hallo {{ restore_url }}")["result"]
        assert "GSM-7" in result
        assert "€0.0825" in result
        assert "€82.50" in result
        result = self.ask(staff, "Na 😀 {{ restore_url }}")["result"]
        assert "UCS-2" in result
        assert "<mark>😀</mark>" in result
        assert "character 16" in result

    def test_no_price_is_shown_where_there_is_none(self, staff: Client) -> None:
        assert "Price" not in self.ask(staff, "Hallo {{ restore_url }}")["result"]


class TestSaving:
    def test_each_save_keeps_a_version(self, staff: Client) -> None:
        shipped = row().subject
        assert staff.post(change_url(row()), typed(subject="Neu")).status_code == 302
        assert staff.post(change_url(row()), typed(subject="Noch neuer")).status_code == 302
        kept = row().versions.order_by("number").values_list("number", "subject", "saved_by__email")
        assert list(kept) == [
            (1, shipped, None), (2, "Neu", "ich@shop.example"), (3, "Noch neuer", "ich@shop.example"),
        ]  # fmt: skip
        assert row().revision == 3
        logged = LogEntry.objects.latest("pk")
        assert logged.get_change_message() != ""

    def test_a_new_template_is_version_1(self, staff: Client) -> None:
        url = reverse("admin:cart_recovery_messagetemplate_add")
        assert staff.post(url, typed(code="neu", seen_revision="")).status_code == 302
        new = row("neu")
        assert (new.revision, new.versions.get().number) == (1, 1)

    def test_a_refused_text_is_still_there(self, staff: Client) -> None:
        answer = staff.post(
            change_url(row()), typed(html="<p>{{ nix }}</p>", subject="Mein Betreff")
        )
        assert answer.status_code == 200
        page = answer.content.decode()
        assert "&lt;p&gt;{{ nix }}&lt;/p&gt;" in page
        assert "Mein Betreff" in page
        assert row().revision == 1

    def test_blank_lines_at_the_top_do_not_move_the_others(self, staff: Client) -> None:
        (problem,) = preview(staff, html="\r\n\r\n<p>{{ nix }}</p>")["problems"]
        assert problem["line"] == 3

    def test_who_was_overtaken_is_told_and_loses_nothing(self, staff: Client) -> None:
        mine = typed(subject="Meins")
        theirs = row()
        theirs.subject = f"Ihres {SCRIPT}"
        versions.save(theirs, user=make_user("anna@shop.example"))
        answer = staff.post(change_url(row()), mine)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "while you were writing" in page
        assert 'value="Meins"' in page
        assert f"<ins>Ihres {SCRIPT}" not in page
        assert "<ins>Ihres" in page
        assert row().subject == theirs.subject
        # what the page says now can be saved, knowingly
        again = {**mine, "seen_revision": answer.context["adminform"].form["seen_revision"].value()}
        assert staff.post(change_url(row()), again).status_code == 302
        assert row().subject == "Meins"
        assert row().versions.filter(subject=theirs.subject).exists()

    def test_a_template_in_use_keeps_its_name(self, staff: Client) -> None:
        campaign = make_campaign()
        answer = staff.post(change_url(row()), typed(code="anders"))
        assert answer.status_code == 200
        assert campaign.name in str(answer.context["adminform"].form.errors["code"])
        unused = row()
        unused.pk, unused.code = None, "frei"
        unused.save()
        assert staff.post(change_url(unused), typed(unused, code="freier")).status_code == 302

    def test_who_may_only_look_gets_no_editor(self) -> None:
        user = make_user(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_messagetemplate"))
        reader = Client()
        reader.force_login(user)
        page = reader.get(change_url(row())).content.decode()
        assert "cr-editor" not in page
        assert reader.post(reverse(PREVIEW), typed()).status_code == 403

    def test_who_may_only_add_gets_a_form_without_the_preview(self) -> None:
        user = make_user(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="add_messagetemplate"))
        writer = Client()
        writer.force_login(user)
        url = reverse("admin:cart_recovery_messagetemplate_add")
        page = writer.get(url).content.decode()
        assert "cr-editor" not in page
        assert 'name="html"' in page
        assert writer.post(url, typed(code="neu", seen_revision="")).status_code == 302
        assert row("neu").revision == 1


class TestVersions:
    def url(self, name: str = "versions") -> str:
        return reverse(f"admin:cart_recovery_messagetemplate_{name}", args=[row().pk])

    def test_two_are_compared(self, staff: Client) -> None:
        staff.post(change_url(row()), typed(html="<p>a</p>\n<p>b</p>"))
        staff.post(change_url(row()), typed(html="<p>a</p>\n<p>c &lt;</p>"))
        page = staff.get(self.url(), {"from": 3, "to": 2}).content.decode()
        assert "From version 2 to version 3" in page
        assert "<del>&lt;p&gt;b&lt;/p&gt;</del>" in page
        assert "<ins>&lt;p&gt;c &amp;lt;&lt;/p&gt;</ins>" in page
        for nonsense in ("99", "x", "²", "-1", "9" * 40):
            assert staff.get(self.url(), {"from": nonsense, "to": 2}).status_code == 200

    def test_one_is_brought_back_as_a_new_one(self, staff: Client) -> None:
        shipped = row()
        staff.post(change_url(row()), typed(html="<p>a</p>"))
        answer = staff.post(self.url("roll_back"), {"number": 1, "seen_revision": 2})
        assert answer.status_code == 302
        assert (row().html, row().revision) == (shipped.html, 3)
        assert "brought back" in LogEntry.objects.latest("pk").get_change_message()

    def test_it_is_refused_where_somebody_was_quicker(self, staff: Client) -> None:
        staff.post(change_url(row()), typed(html="<p>a</p>"))
        staff.post(self.url("roll_back"), {"number": 1, "seen_revision": 1})
        assert (row().html, row().revision) == ("<p>a</p>", 2)

    def test_it_is_refused_where_the_old_text_could_not_be_sent_any_more(
        self, staff: Client
    ) -> None:
        staff.post(change_url(row()), typed(html="<p>a</p>"))
        row().versions.filter(number=1).update(html="<p>{{ was_there_once }}</p>")
        answer = staff.post(self.url("roll_back"), {"number": 1, "seen_revision": 2}, follow=True)
        assert "was_there_once" in answer.content.decode()
        assert row().revision == 2

    def test_the_list_takes_the_same_queries_for_many(self, staff: Client) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(self.url(), {"from": 1, "to": 2}).status_code == 200
            return len(queries)

        for _n in range(2):
            versions.save(row(), user=make_user())
        few = count()
        for _n in range(10):
            versions.save(row(), user=make_user())
        assert count() == few


class TestLanguages:
    def test_tabs_lead_to_the_others_and_say_what_is_missing(self, staff: Client) -> None:
        page = staff.get(change_url(row())).content.decode()
        assert change_url(row(language="en")) in page
        assert "missing: add" not in page
        row(language="en").delete()
        page = staff.get(change_url(row())).content.decode()
        assert "missing: add" in page
        assert "code=abandoned-basket-1&amp;channel=email&amp;language=en" in page

    def test_the_missing_one_begins_with_a_text(self, staff: Client) -> None:
        shipped = row(language="en")
        row(language="en").delete()
        begin = {"code": shipped.code, "channel": "email", "language": "en"}
        form = (
            staff.get(reverse("admin:cart_recovery_messagetemplate_add"), begin)
            .context["adminform"]
            .form
        )
        assert form["subject"].value() == shipped.subject
        begin["code"] = "neu"
        own = row()
        own.pk, own.code, own.subject = None, "neu", "Eigenes"
        own.save()
        form = (
            staff.get(reverse("admin:cart_recovery_messagetemplate_add"), begin)
            .context["adminform"]
            .form
        )
        assert form["subject"].value() == "Eigenes"

    def test_a_language_is_a_code(self, staff: Client) -> None:
        answer = staff.post(change_url(row()), typed(language=SCRIPT[:16]))
        assert "language" in answer.context["adminform"].form.errors


class TestDeleting:
    def test_a_template_in_use_is_kept_and_the_page_says_where(self, staff: Client) -> None:
        campaign = make_campaign(code="winter")
        url = reverse("admin:cart_recovery_messagetemplate_delete", args=[row().pk])
        for answer in (
            staff.get(url),
            staff.post(url, {"post": "yes"}),
            staff.post(
                reverse("admin:cart_recovery_messagetemplate_changelist"),
                {"action": "delete_selected", "_selected_action": [row().pk], "post": "yes"},
            ),
        ):
            page = answer.content.decode()
            assert f"campaign “{campaign.name}”, step 1" in page
        assert row()

    def test_one_that_nothing_uses_can_go(self, staff: Client) -> None:
        spare = row()
        spare.pk, spare.code = None, "spare"
        spare.save()
        versions.save(spare, user=None)
        url = reverse("admin:cart_recovery_messagetemplate_delete", args=[spare.pk])
        assert staff.post(url, {"post": "yes"}).status_code == 302
        assert not MessageTemplate.objects.filter(code="spare").exists()


class TestPalette:
    @pytest.mark.parametrize(
        ("about", "code", "sms_code", "link"),
        [
            ("cart", "abandoned-basket-1", "abandoned-basket-2", "restore_url"),
            ("order", "order-shipped", "order-shipped", "action_url"),
        ],
    )
    def test_everything_in_it_can_be_inserted_and_sent(
        self, staff: Client, about: str, code: str, sms_code: str, link: str
    ) -> None:
        for group in palette(about):
            for item in group.items:
                head = item.name.partition(".")[0]
                loops = {"line": "lines", "product": "recommendations", "rating": "ratings"}
                inside = (
                    "{% for " + f"{head} in {loops[head]}" + " %}%s{% endfor %}"
                    if head in loops and "." in item.name
                    else "%s"
                )
                text = inside.replace("%s", item.text)
                found = preview(
                    staff,
                    template=row(code),
                    html="<p>Gut</p>" + inside.replace("%s", item.html or item.text),
                    text=text,
                )
                assert found["problems"] == [], item
                if not (item.mail_only or group.mail_only):
                    sms = preview(
                        staff, template=row(sms_code, "sms"), text="{{ " + link + " }} " + text
                    )
                    # a list of everything in the basket may be too long, and nothing else
                    assert [p for p in sms["problems"] if "too long" not in p["reason"]] == [], item


class TestSendingTests:
    def test_it_goes_to_oneself(self, staff: Client) -> None:
        found = preview(staff, TEST, preview_data="percentage")
        assert not found["is_refused"]
        assert "ich@shop.example" in found["note"]
        notice = Notice.objects.get()
        assert (notice.kind, notice.contact.email) == ("test", "ich@shop.example")

    def test_a_refusal_is_told(self, staff: Client) -> None:
        found = preview(staff, TEST, template=row("abandoned-basket-2", "sms"))
        assert found["is_refused"]
        assert "no mobile number" in found["note"]
        found = preview(staff, TEST, html="{{ nix }}")
        assert found["is_refused"]
        assert Notice.objects.count() == 0

    def test_without_script_the_answer_is_a_page(self, staff: Client) -> None:
        page = staff.post(reverse(TEST), typed()).content.decode()
        assert "On its way to ich@shop.example" in page
