from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from cart_recovery.exceptions import RenderingError
from cart_recovery.models import MessageTemplate
from cart_recovery.rendering import batches, mail
from cart_recovery.rendering.batches import render_batch
from cart_recovery.rendering.defaults import install_defaults
from cart_recovery.rendering.requests import Rendered
from cart_recovery.shop.baskets import load_baskets
from tests.factories import make_basket, make_product
from tests.rendering.facts import RESTORE, line, request, voucher

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_templates() -> None:
    MessageTemplate.objects.all().delete()


def template(**kwargs: Any) -> MessageTemplate:
    values = {
        "code": "test", "channel": "email", "language": "de", "subject": "Korb",
        "html": "<p>{{ first_line.title }} {{ total }}</p>",
    }  # fmt: skip
    return MessageTemplate.objects.create(**(values | kwargs))


def mails(*results: Rendered | RenderingError) -> list[Rendered]:
    assert all(isinstance(result, Rendered) for result in results), results
    return [result for result in results if isinstance(result, Rendered)]


def test_messages_come_in_the_order_of_their_requests() -> None:
    template()
    requests = [request(line(f"Produkt {n}")) for n in range(30)]
    for number, sent in enumerate(mails(*render_batch(requests))):
        assert f"Produkt {number} " in sent.html


def test_nothing_is_rendered_and_asked_for_no_requests(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert render_batch([]) == []


@pytest.mark.parametrize("base", ["https://shop.example", ""])
def test_number_of_queries_does_not_grow_with_the_batch(base: str, settings: Any) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PUBLIC_BASE_URL": base}
    install_defaults()
    counts = []
    for size in (1, 200):
        requests = [
            request(template_code=f"abandoned-basket-{n % 3 + 1}", language=("de", "en")[n % 2])
            for n in range(size)
        ]
        requests += [
            request(channel="sms", address_kind="phone", template_code="abandoned-basket-2")
        ] * size
        with CaptureQueriesContext(
            connection,
        ) as queries:
            mails(*render_batch(requests))
        counts.append(len(queries))
    assert max(counts) <= 2
    assert counts[1] <= counts[0]


def test_broken_template_fails_its_own_requests_alone() -> None:
    template()
    template(code="broken", html="<p>\n{{ nosuch }}</p>")
    template(code="unclosed", subject="{{")
    good, broken, missing = request(), request(template_code="broken"), request(template_code="no")
    unclosed, gone = request(template_code="unclosed"), request(line(is_available=False))
    results = render_batch([good, broken, missing, good, unclosed, gone, broken, good])
    mails(results[0], results[3], results[7])
    errors = [results[index] for index in (1, 2, 4, 5, 6)]
    assert all(isinstance(error, RenderingError) for error in errors)
    assert [(e.field, e.line) for e in errors] == [  # type: ignore[union-attr]
        ("html", 2), ("", 0), ("subject", 1), ("basket", 0), ("html", 2),
    ]  # fmt: skip


def test_what_nobody_foresaw_fails_its_request_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    template()
    build = batches.build_context

    def explode(sent: Any, **kwargs: Any) -> Any:
        if sent.basket.lines[0].title == "Bombe":
            raise ZeroDivisionError
        return build(sent, **kwargs)

    monkeypatch.setattr(batches, "build_context", explode)
    first, second = render_batch([request(line("Bombe")), request()])
    assert isinstance(first, RenderingError)
    mails(second)


def test_broken_template_is_compiled_once_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    template(html="{{ nosuch }}")
    calls = []
    original = mail.CompiledMail.__init__

    def count(self: Any, content: Any) -> None:
        calls.append(content)
        original(self, content)

    monkeypatch.setattr(mail.CompiledMail, "__init__", count)
    errors = render_batch([request()] * 50)
    assert len(calls) == 1
    assert len({id(error) for error in errors}) == 50


def test_changed_template_counts_from_the_next_batch_on() -> None:
    row = template(html="<p>alt</p>")
    assert "alt" in mails(*render_batch([request()]))[0].html
    MessageTemplate.objects.filter(pk=row.pk).update(html="<p>neu</p>")
    assert "neu" in mails(*render_batch([request()]))[0].html


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        ({"de", "en"}, "de", "de"),
        ({"de", "en"}, "en", "en"),
        ({"de", "en"}, "de-at", "de"),
        ({"de", "en"}, "de_AT", "de"),
        ({"de", "de-at"}, "de-AT", "de-at"),
        ({"de", "en"}, "fr", "de"),
        ({"en"}, "de", "en"),
        ({"en", "fr"}, "", "en"),
        ({"fr"}, "fr-ca", "fr"),
        ({"fr"}, "de", None),
    ],
)
def test_language_falls_back_to_its_base_and_to_the_shops(
    there: set[str], wanted: str, found: str | None
) -> None:
    for language in there:
        template(language=language)
    [sent] = render_batch([request(language=wanted)])
    if found is None:
        assert isinstance(sent, RenderingError)
    else:
        assert mails(sent)[0].language == found


def test_numbers_follow_the_readers_region_and_the_texts_language() -> None:
    template(language="de")
    facts = line(price=Decimal("1234.50"))
    austrian, french = mails(
        *render_batch([request(facts, language="de-at"), request(facts, language="fr")])
    )
    assert "€\xa01.234,50" in austrian.html
    assert "1.234,50\xa0€" in french.html


def test_active_language_and_other_threads_make_no_difference() -> None:
    install_defaults()
    sent = request(
        line(price=Decimal("1234.50")), template_code="abandoned-basket-2",
        voucher=voucher(kind="free_shipping"),
    )  # fmt: skip
    requests = [replace(sent, language=language) for language in ("de", "en")] * 10
    with translation.override("en"):
        expected = render_batch(requests)
    with translation.override("de"):
        assert render_batch(requests) == expected
    results: list[Any] = []
    templates = batches._load(requests)

    def work() -> None:
        renderer = batches._Renderer(templates, "https://shop.example")
        results.append([renderer.render(item) for item in requests])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_real_basket_is_rendered_with_what_it_is_worth_now() -> None:
    install_defaults()
    product, sold_out = make_product("Hemd <blau>", price="19.99"), make_product("Weg", stock=5)
    basket = make_basket(product, sold_out, quantity=2)
    sold_out.stockrecords.update(num_in_stock=0)
    product.stockrecords.update(price=Decimal("17.50"))
    facts = load_baskets([basket.pk])[basket.pk]
    [sent] = mails(
        *render_batch([replace(request(template_code="abandoned-basket-1"), basket=facts)])
    )
    assert "Hemd &lt;blau&gt;" in sent.html
    assert "35,00\xa0€" in sent.html
    assert RESTORE in sent.html
    assert "https://shop.example" + product.get_absolute_url() in sent.html
    assert "Hemd <blau>" in sent.text


@override_settings(CART_RECOVERY={"PUBLIC_BASE_URL": "", "IMPRINT": "Wir"})
def test_addresses_come_from_the_site_without_a_public_address() -> None:
    template(html="<p>{{ shop_url }}</p>")
    [sent] = mails(*render_batch([request()]))
    assert "example.com/" in sent.html
