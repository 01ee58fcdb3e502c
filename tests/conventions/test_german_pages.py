"""No English text of ours is left on a German page, whoever reads it."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.consent import data_links, notices, opt_ins
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.unsubscribe import (
    preferences_url,
    unsubscribe_token,
    unsubscribe_url,
)
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.consent.wordings import current
from cart_recovery.delivery.pausing import pause
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.incentives.thanking import thank
from cart_recovery.preferences.stamps import make_stamp
from cart_recovery.rendering.order_previews import ORDER_SAMPLES
from cart_recovery.reports import rolling
from tests import factories
from tests.incentives.test_granting import make_incentive
from tests.privacy.people import make_known_person
from tests.restore_links import kit
from tests.reviews import kit as review_kit

pytestmark = pytest.mark.django_db

CATALOGUE = Path(models.__file__).parents[1] / "locale/de/LC_MESSAGES/django.po"
#: shorter ones may well be German, or part of an address
SHORTEST = 13
ENTRY = re.compile(r'^(msgid(?:_plural)?) ((?:".*"\n)+)', re.MULTILINE)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{%.*?%\}|\{\{.*?\}\}")
ADMIN = admin.site._registry
SCREENS = [m for m in apps.get_app_config("cart_recovery").get_models() if m in ADMIN]


def english() -> dict[str, str]:
    """A telling part of each English text -> the text, without those that are German as well."""
    parts: dict[str, str] = {}
    for _keyword, lines in ENTRY.findall(CATALOGUE.read_text()):
        quoted = "".join(re.findall(r'"(.*)"', lines))
        text = quoted.replace("\\n", "\n").replace('\\"', '"')
        longest = max((squeezed(p) for p in PLACEHOLDER.split(text)), key=len)
        if len(longest) >= SHORTEST and gettext(text) != text:
            parts[longest] = text
    return parts


def squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


def assert_german(page: Any, parts: dict[str, str]) -> None:
    text = page if isinstance(page, str) else page.content.decode()
    read = squeezed(html.unescape(text))
    left = [text for part, text in parts.items() if part in read]
    assert left == [], getattr(page, "request", {}).get("PATH_INFO", "")


@pytest.fixture
def parts() -> dict[str, str]:
    with translation.override("de"):
        found = english()
        assert ngettext("%(n)s day", "%(n)s days", 2) == "%(n)s Tage"
    assert len(found) > 150
    return found


@pytest.fixture
def filled() -> None:
    """A row for each screen, and no text that is English on purpose."""
    models.MessageTemplate.objects.exclude(language="de").delete()
    contact = factories.make_consent(factories.make_contact())
    factories.make_followup(contact=contact)
    deliver_due()
    now = timezone.now()
    message = models.Message.objects.get()
    cart = message.followup.enrolment.cart
    step = message.followup.step
    models.CheckoutTrouble.objects.create(
        cart=cart, contact=contact, kind="payment_refused", reason="card_expired", occurred_at=now
    )
    step.incentive = models.Incentive.objects.first()
    step.save()
    models.DeliveryEvent.objects.create(
        message=message, channel="email", kind="unsubscribed", occurred_at=now, dedupe_key="1"
    )
    models.Conversion.objects.create(
        contact=contact, cart=cart, message=message, campaign=step.campaign, step=step,
        channel="email", order_number="1", basis="restored_basket", amount=1, currency="EUR",
        credited_at=now,
    )  # fmt: skip
    models.Reply.objects.create(
        channel="sms", contact=contact, sender="+491", body="STOP", keyword="stop",
        provider_message_id="1",
    )  # fmt: skip
    models.WebhookPayload.objects.create(channel="email", body="[]")
    models.Heartbeat.objects.create(stage="sweep", ran_at=now)
    rolling.run(now)
    opt_in = models.OptIn.objects.create(
        contact=contact, channel="email", wording=models.ConsentWording.objects.first(),
        address_digest="d", source="footer", requested_at=now, expires_at=now,
    )  # fmt: skip
    models.Notice.objects.create(
        kind="opt_in", contact=contact, channel="email", opt_in=opt_in, created_at=now, due_at=now,
        expires_at=now,
    )  # fmt: skip
    suppress("email", "email", "weg@example.de", reason="unsubscribed", source="sendgrid")
    order = review_kit.make_order()
    token = review_kit.make_link(order, thanks=make_incentive())
    text = review_kit.fields(order.lines.get())
    review_kit.send(Client(), token, {"rating-score": "6"}, text)
    pause("sms", reason="401", now=now)


def test_admin_speaks_german(client: Client, filled: None, parts: dict[str, str]) -> None:
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    assert_german(client.get(reverse("admin:app_list", args=["cart_recovery"])), parts)
    assert_german(client.get(reverse("admin:cart_recovery_heartbeat_health")), parts)
    for model in SCREENS:
        name = f"admin:cart_recovery_{model._meta.model_name}"
        row = model._default_manager.first()
        assert row is not None, model
        assert_german(client.get(reverse(f"{name}_changelist")), parts)
        page = client.get(reverse(f"{name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert_german(page, parts)
    for url in story_urls():
        assert_german(client.get(url), parts)
    for page in ("linereview_results", "linereview_queue"):
        assert_german(client.get(reverse(f"admin:cart_recovery_{page}")), parts)
    task = models.StaffTask.objects.get()
    close = reverse("admin:cart_recovery_stafftask_close", args=[task.pk])
    assert_german(client.get(close), parts)
    assert_german(client.post(close, {"note": "x"}, follow=True), parts)


def story_urls() -> Iterator[str]:
    """The stories of what was sent, of what is planned, and of what no campaign takes."""
    factories.make_followup()
    factories.make_cart(factories.make_basket(), factories.make_contact(), state="abandoned")
    yield reverse("admin:cart_recovery_followup_search")
    for cart in models.TrackedCart.objects.all():
        yield reverse("admin:cart_recovery_trackedcart_why", args=[cart.pk])
    for contact in models.Contact.objects.all():
        yield reverse("admin:cart_recovery_contact_why", args=[contact.pk])


def test_admin_refuses_in_german(client: Client, filled: None, parts: dict[str, str]) -> None:
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    template = models.MessageTemplate.objects.get(
        code="abandoned-basket-1", channel="email", language="de"
    )
    url = reverse("admin:cart_recovery_messagetemplate_change", args=[template.pk])
    data = {"code": "x", "channel": "email", "language": "de", "subject": "{{ nix }}",
            "html": "<script>", "text": "{% if voucher %}"}  # fmt: skip
    page = client.post(url, data)
    assert "Den Platzhalter „nix“ gibt es nicht" in page.content.decode()
    assert_german(page, parts)


def test_templates_about_orders_are_german_too(client: Client, parts: dict[str, str]) -> None:
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    rows = models.MessageTemplate.objects.filter(about="order", language="de")
    url = reverse("admin:cart_recovery_messagetemplate_preview")
    for row in rows:
        page = reverse("admin:cart_recovery_messagetemplate_change", args=[row.pk])
        assert_german(client.get(page), parts)
        for sample in ORDER_SAMPLES:
            names = ("about", "channel", "language", "subject", "preheader", "html", "text")
            data = {name: getattr(row, name) for name in names} | {"preview_data": sample.key}
            shown = client.post(url, data, headers={"Accept": "application/json"}).json()
            assert shown["problems"] == []
            assert_german(shown["html"] + shown["text"], parts)
    assert len(rows) == 22


def test_every_field_that_staff_see_has_a_label_to_translate() -> None:
    """Django makes one of the field's name otherwise, in English."""
    unnamed = [
        f"{model.__name__}.{field.name}"
        for model in SCREENS
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and isinstance(field.verbose_name, str)
    ]
    assert unnamed == []


def public_pages(client: Client) -> Iterator[Any]:
    contact = factories.make_consent(factories.make_contact())
    for channel in ("email", "sms", "brieftaube"):
        url = unsubscribe_url(contact.pk, channel, "cart_reminder", "de")
        path = url.removeprefix("https://shop.example")
        yield client.get(path)
        for scope in ("kind", "channel", "everything"):
            yield client.post(path, {"scope": scope})
    yield client.get(reverse("cart_recovery:unsubscribe", kwargs={"token": "falsch"}))
    tea = factories.make_product("Teekanne", stock=1)
    basket = factories.make_basket(tea, factories.make_product("Tasse"), quantity=1)
    incentive = models.Incentive.objects.first()
    token = kit.make_link(basket, incentive=incentive)
    yield kit.show(client, kit.make_link(factories.make_basket(tea)))
    yield kit.show(client, token)
    yield Client(enforce_csrf_checks=True).post(kit.link_path(token), {"visit": "x" * 20})
    tea.stockrecords.update(num_in_stock=0)
    yield kit.tap(client, token)
    yield kit.tap(client, kit.make_link(factories.make_basket()))
    yield kit.tap(client, kit.make_link(basket_of_sold_out()))
    models.RestoreLink.objects.update(expires_at=timezone.now())
    yield kit.show(client, token)
    yield kit.show(client, "falsch")
    yield from own_data_pages(client)
    yield from opt_in_pages(client)
    yield from preference_pages(client)
    yield from review_pages(client)


def review_pages(client: Client) -> Iterator[Any]:
    """The review page in all its states, and what it says of what is wrong."""
    goods = [factories.make_product(title) for title in ("Kanne", "Tasse", "Sieb", "Dose")]
    order = review_kit.make_order(*goods)
    pot, cup, sieve, tin = order.lines.order_by("pk")
    tin.status = "Cancelled"
    tin.save()
    sieve.product.is_public = False
    sieve.product.save()
    token = review_kit.make_link(order, thanks=make_incentive())
    fields, send = review_kit.fields, review_kit.send
    yield client.get(review_kit.path_of(token, "?score=2"))
    for wrong in (
        {"score": ""}, {"score": "9"}, {"title": ""}, {"title": "x" * 256}, {"body": ""},
        {"name": "x" * 256}, {"photo": review_kit.make_photo(kind="GIF")},
        {"photo": review_kit.make_photo((9000, 7000), kind="PNG")},
    ):  # fmt: skip
        yield send(client, token, fields(pot, **wrong), {"rating-comment": "x" * 4001})
    yield send(client, token)
    yield send(client, token, fields(pot), fields(tin), {"rating-score": "6"})
    yield send(client, token, {"line-0-title": "x"})
    models.ServiceRating.objects.update(rated_at=timezone.now() - dt.timedelta(days=2))
    yield send(client, token, {"rating-score": "1"})
    for status in (1, 2):
        get_model("reviews", "ProductReview").objects.update(
            status=status, date_created=timezone.now() - dt.timedelta(days=2)
        )
        yield client.get(review_kit.path_of(token))
    yield send(Client(enforce_csrf_checks=True), token, fields(cup))
    too_much = client.generic("POST", review_kit.path_of(token), b"x", CONTENT_LENGTH=10**9)
    assert too_much.status_code == 413
    yield too_much
    models.ReviewLink.objects.update(expires_at=timezone.now() - dt.timedelta(days=1))
    yield client.get(review_kit.path_of(token))
    yield client.get(review_kit.path_of("falsch"))


def own_data_pages(client: Client) -> Iterator[Any]:
    person, now = make_known_person(), timezone.now()
    path = reverse("cart_recovery:data", kwargs={"token": data_links.create(person.pk, now)})
    yield client.get(path)
    yield client.post(path)
    models.DataLink.objects.update(expires_at=now)
    yield client.get(path)
    yield client.get(reverse("cart_recovery:data", kwargs={"token": "falsch"}))


def opt_in_pages(client: Client) -> Iterator[Any]:
    """The page behind a double opt-in's link: open, done, done before, over and unknown."""
    contact = factories.make_contact("bestaetigt@example.de", phone="+4915112345688")
    for channel in ("email", "sms"):
        opt_in = opt_ins.ask(
            contact, channel=channel, wording=current(f"checkout-{channel}", "de"),
            source="checkout", language="de",
        )  # fmt: skip
        assert opt_in is not None
        token = opt_ins.issue_tokens([opt_in.pk])[opt_in.pk]
        path = reverse("cart_recovery:confirm", kwargs={"token": token})
        yield client.get(path)
        yield client.post(path)
        yield client.get(path)
        models.OptIn.objects.update(state="cancelled")
        withdraw(contact, channel=channel, source="test")
        yield client.get(path)
    yield client.get(reverse("cart_recovery:confirm", kwargs={"token": "falsch"}))


def preference_pages(client: Client) -> Iterator[Any]:
    """The preference centre, the account pages and the form for an address, in all their states."""
    contact = factories.make_consent(
        factories.make_contact("waehlt@example.de", phone="+4915112345699"), "email"
    )
    path = preferences_url(contact.pk, "email", "order_status", "de")
    path = path.removeprefix("https://shop.example")
    erase = reverse(
        "cart_recovery:preferences_erase",
        kwargs={"token": unsubscribe_token(contact.pk, "email", "cart_reminder")},
    )
    wording = current("account-sms", "de")
    wishes: list[dict[str, Any]] = [
        {"action": "ask", "channel": "sms", "wording": wording.pk},
        {"action": "ask", "channel": "sms", "wording": "0"},
        {"action": "off", "channel": "email", "purpose": "order_status"},
        {"action": "orders_on", "channel": "email"}, {"action": "data"}, {"action": "pause"},
        {"action": "resume"}, {"action": "prefer", "channel": "sms"},
        {"action": "language", "language": "de"}, {"action": "all_off"}, {"action": "nonsense"},
    ]  # fmt: skip
    yield client.get(path)
    for wish in wishes:
        yield client.post(path, wish)
    suppress("email", "email", contact.email, reason="unsubscribed", source="test")
    yield client.get(path)
    yield client.get(erase)
    yield client.post(erase)
    yield client.get(path)
    client.force_login(factories.make_user())
    yield client.get(reverse("cart_recovery:account"))
    yield client.get(reverse("cart_recovery:account_erase"))
    yield client.post(reverse("cart_recovery:account_erase"))
    client.logout()
    yield from capture_pages(client)


def capture_pages(client: Client) -> Iterator[Any]:
    url = reverse("cart_recovery:capture")
    yield client.get(url)
    yield client.post(url, {})
    for channel, typed in (("email", "mensch@example.de"), ("sms", "+4915112345678")):
        good: dict[str, Any] = {
            "where": "capture", "channel": channel, "address": typed, "agree": "yes",
            "wording": current(f"capture-{channel}", "de").pk,
            "stamp": make_stamp(timezone.now() - dt.timedelta(minutes=1)),
        }  # fmt: skip
        bad = ({"address": ""}, {"address": "x"}, {"agree": ""}, {"stamp": ""},
               {"address": "noreply@example.de"}, {"address": "a@exаmple.de"},
               {"address": "030123456"})  # fmt: skip
        for change in bad:
            yield client.post(url, {**good, **change})
        yield client.post(url, good)
    yield Client(enforce_csrf_checks=True).post(url, good)
    for _n in range(30):
        last = client.post(url, {})
    assert last.status_code == 429
    yield last


def basket_of_sold_out() -> Any:
    product = factories.make_product("Becher")
    basket = factories.make_basket(product)
    product.stockrecords.update(num_in_stock=0)
    return basket


def test_shoppers_read_german(client: Client, parts: dict[str, str]) -> None:
    seen = set()
    for page in public_pages(client):
        assert_german(page, parts)
        seen |= {name for t in page.templates if (name := t.name or "").startswith("cart_recovery")}
    shipped = Path(models.__file__).parents[1] / "templates"
    names = {str(path.relative_to(shipped)) for path in (shipped / "cart_recovery").rglob("*.html")}
    assert names - seen <= {
        f"cart_recovery/{name}.html"
        # tags and a menu entry for the shop's own pages
        for name in (
            "consent_boxes", "soft_opt_in", "account_menu_entry", "notice_mail", "recommendations",
            "review_mark",
        )
    }  # fmt: skip


def test_message_speaks_german_around_what_staff_wrote(parts: dict[str, str]) -> None:
    factories.make_followup(contact=factories.make_consent(factories.make_contact()))
    deliver_due()
    message = models.Message.objects.get()
    assert message.language == "de"
    assert_german(message.html + message.text, parts)


def test_what_the_app_itself_has_to_say_is_german(parts: dict[str, str]) -> None:
    contact = factories.make_contact("fragt@example.de", phone="+4915112345677", country="DE")
    for channel in ("email", "sms"):
        wording = current(f"checkout-{channel}", "de")
        opt_ins.ask(contact, channel=channel, wording=wording, source="checkout", language="de")
        notices.plan("data_export", contact, channel=channel, language="de")
    for kind in ("stop_confirmed", "help"):
        notices.plan(kind, contact, channel="sms", language="de")
    rating = models.ServiceRating.objects.create(
        order=review_kit.make_order(), contact=contact, score=6, best=1, worst=6, source="sms",
        rated_at=timezone.now(),
    )  # fmt: skip
    thanks = make_incentive(valid_for=dt.timedelta(days=30))
    assert thank(rating.order_id, contact.pk, thanks, timezone.now())
    for channel in ("email", "sms"):
        notices.plan(
            "rating_thanks", contact, channel=channel, language="de", content={"rating": rating.pk}
        )
    deliver_due()
    messages = list(models.Message.objects.all())
    assert len(messages) == 8
    for message in messages:
        assert_german(" ".join((message.subject, message.html, message.text)), parts)
