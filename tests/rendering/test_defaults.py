from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from cart_recovery.models import MessageTemplate
from cart_recovery.rendering.advertising import advertises
from cart_recovery.rendering.batches import PHONE, render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.context import build_context
from cart_recovery.rendering.defaults import install_defaults, shipped_templates
from cart_recovery.rendering.placeholders import PLACEHOLDERS, Kind, Placeholder, documented
from cart_recovery.rendering.requests import Rendered, RenderRequest
from cart_recovery.rendering.samples import sample_recommendations, sample_requests
from cart_recovery.rendering.validation import validate_template
from tests.rendering.facts import (
    ACTION,
    BASE,
    line,
    order,
    order_request,
    ordered,
    request,
    voucher,
)

SHIPPED = {f"{t.code} {t.channel} {t.language}": t for t in shipped_templates()}
#: of the offers that a campaign may make, and of nothing else
ADVERTISING = {f"abandoned-{what}-{n}" for what in ("basket", "checkout") for n in (2, 3)} | {
    "review-request-1", "review-request-2", "cross-sell-1",
}  # fmt: skip
ORDER_CODES = [
    "order-unpaid-1", "order-unpaid-2", "order-shipped", "order-partly-shipped",
    "order-delivered", "order-delayed", "order-returned", "order-refunded", "review-request-1",
    "review-request-2", "cross-sell-1",
]  # fmt: skip
#: what a status message costs where answers reach the shop
SERVICE_CODES = [*ORDER_CODES[:8], "checkout-trouble-1"]


def kind(template: MessageTemplate) -> str:
    return PHONE if template.channel == "sms" else "email"


def content_of(template: MessageTemplate) -> Content:
    return Content(
        template.language, template.subject, template.preheader, template.html, template.text,
        template.about,
    )  # fmt: skip


def samples(template: MessageTemplate) -> Iterator[tuple[RenderRequest, Rendered]]:
    content = content_of(template)
    for sample in sample_requests(kind(template), template.language, template.about):
        yield sample, render_content(content, sample, base=BASE)


def test_every_code_is_shipped_in_both_languages() -> None:
    baskets = [f"abandoned-{what}-{n}" for what in ("basket", "checkout") for n in (1, 2, 3)]
    both = [*ORDER_CODES, "checkout-trouble-1"]
    texted = ["abandoned-basket-2", "abandoned-checkout-2", *both]
    languages = ("de", "en")
    mails = {f"{code} email {lang}" for code, lang in product([*baskets, *both], languages)}
    assert set(SHIPPED) == mails | {
        f"{code} sms {lang}" for code, lang in product(texted, languages)
    }


def test_what_a_code_is_about_is_the_same_everywhere() -> None:
    about = {(t.code, t.about) for t in SHIPPED.values()}
    assert len(about) == len(dict(about))
    assert {code for code, subject in about if subject == "order"} == set(ORDER_CODES)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_template_can_be_saved(name: str) -> None:
    template = SHIPPED[name]
    template.clean_fields()
    texts = {field: getattr(template, field) for field in ("subject", "preheader", "html", "text")}
    found = validate_template(
        address_kind=kind(template), language=template.language, about=template.about, **texts
    )
    assert found == []


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_template_names_the_voucher_only_if_there_is_one(name: str) -> None:
    template = SHIPPED[name]
    offers = "voucher" in advertises(content_of(template))
    for sample, sent in samples(template):
        body = sent.subject + sent.html + sent.text
        wants = sample.voucher is not None and offers
        thanks = sample.order is not None and sample.order.thanks is not None
        assert ("K7M2Q9XA4T" in body) is wants
        if not (template.code.startswith("review-request") and thanks):
            assert ("utschein" in body or "voucher" in sent.text) is (
                wants and template.channel != "sms"
            )
        assert sent.sms_parts <= (3 if template.about == "cart" else 2)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_service_messages_hold_no_advertising(name: str) -> None:
    template = SHIPPED[name]
    found = advertises(content_of(template))
    assert bool(found) is (template.code in ADVERTISING), found


@pytest.mark.parametrize("name", [name for name in SHIPPED if " sms " in name])
def test_a_text_names_the_order_value_from_which_its_voucher_counts(name: str) -> None:
    template = SHIPPED[name]
    for sample, sent in samples(template):
        if sample.voucher is not None and "K7M2Q9XA4T" in sent.text:
            assert ("30" in sent.text.partition("K7M2Q9XA4T")[2].partition("\n")[0]) is bool(
                sample.voucher.minimum_basket
            )


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith(" email de")])
def test_a_german_sentence_goes_on_behind_the_comma_of_its_greeting(name: str) -> None:
    for _sample, sent in samples(SHIPPED[name]):
        begins = sent.text.partition("Guten Tag,\n\n")[2].split()[0]
        assert begins[0].islower() or begins in ("Sie", "Ihr", "Ihre"), begins


def test_what_was_refunded_is_not_called_by_a_pronoun_of_nothing() -> None:
    template = SHIPPED["order-refunded email de"]
    facts = replace(order(), refund=Decimal("124.00"))
    sent = render_content(content_of(template), order_request(facts), base=BASE)
    for body in (sent.html, sent.text):
        assert "ir haben Ihnen 124,00\xa0€ erstattet. Die Erstattung gehört zu" in body


@pytest.mark.parametrize("name", SHIPPED)
def test_suggestions_are_shown_where_there_are_any(name: str) -> None:
    template = SHIPPED[name]
    names_them = "recommendations" in advertises(content_of(template))
    for sample, sent in samples(template):
        shows = names_them and bool(sample.recommendations)
        assert ("Hocker aus Eiche" in sent.html + sent.text) is shows
        heading = "auch gefallen" if template.language == "de" else "may also like"
        if template.about == "cart":
            assert (heading in sent.html) is shows


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("code", SERVICE_CODES)
def test_a_short_status_takes_one_sms_where_answers_reach_the_shop(
    code: str, language: str
) -> None:
    for sample, sent in samples(SHIPPED[f"{code} sms {language}"]):
        assert sent.sms_parts == 1 or not sample.supports_reply, sent.text


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("code", ["review-request-1", "review-request-2"])
class TestReviewRequests:
    def test_an_answer_by_sms_is_asked_for_where_it_reaches_the_shop(
        self, code: str, language: str
    ) -> None:
        offers = 0
        for sample, sent in samples(SHIPPED[f"{code} sms {language}"]):
            assert sample.order is not None
            assert sample.order.action_url in sent.text
            offer = "1 (sehr gut)" if language == "de" else "1 (very good)"
            assert (offer in sent.text) is (sample.supports_reply and bool(sample.order.ratings))
            offers += offer in sent.text
        assert offers

    def test_the_thanks_are_for_any_opinion(self, code: str, language: str) -> None:
        said = {
            "de": ("ob gut oder schlecht", "ganz gleich, wie Sie urteilen"),
            "en": ("good or bad", "whatever you say"),
        }[language]
        for number, channel in enumerate(("email", "sms")):
            for sample, sent in samples(SHIPPED[f"{code} {channel} {language}"]):
                assert sample.order is not None
                assert (said[number] in sent.text) is (sample.order.thanks is not None)
                if channel == "email":
                    assert (said[number] in sent.html) is (said[number] in sent.text)
                assert "K7M2Q9XA4T" not in sent.html + sent.text

    def test_the_mail_has_the_scores_to_tap_on(self, code: str, language: str) -> None:
        for sample, sent in samples(SHIPPED[f"{code} email {language}"]):
            assert sample.order is not None
            for _score, url in sample.order.ratings:
                assert f'href="{url}"' in sent.html
                assert url in sent.text
            assert ('class="score-link"' in sent.html) is bool(sample.order.ratings)


@pytest.mark.django_db
def test_defaults_are_installed_once_and_leave_what_staff_changed() -> None:
    MessageTemplate.objects.all().delete()
    install_defaults()
    assert MessageTemplate.objects.count() == len(SHIPPED)
    row = MessageTemplate.objects.get(code="abandoned-basket-1", channel="email", language="de")
    row.subject = "Eigener Betreff"
    row.save()
    MessageTemplate.objects.filter(code="abandoned-basket-3").delete()
    install_defaults()
    assert MessageTemplate.objects.count() == len(SHIPPED)
    row.refresh_from_db()
    assert row.subject == "Eigener Betreff"


@pytest.mark.django_db
def test_a_code_that_the_shop_uses_for_something_else_stays_the_shops() -> None:
    MessageTemplate.objects.filter(code="order-shipped").delete()
    MessageTemplate.objects.create(
        code="order-shipped", channel="email", language="fr", subject="A", html="<p>x</p>"
    )
    install_defaults()
    assert MessageTemplate.objects.get(code="order-shipped").language == "fr"


@pytest.mark.parametrize("about", PLACEHOLDERS)
def test_documented_placeholders_are_those_that_a_template_sees(about: str) -> None:
    facts = (line(options=(("a", "b"),)), line("weg", is_available=False))
    more = {"voucher": voucher(), "recommendations": sample_recommendations()}
    everything = order(
        ordered(), other_lines=(ordered(),), ratings=((1, ACTION),), thanks=voucher(),
        refund=Decimal(5), order_url=ACTION, review_url=ACTION, other_parcels=(ACTION,),
    )  # fmt: skip
    sent = request(*facts, **more) if about == "cart" else order_request(everything, **more)
    context = build_context(sent, language="de", base_url="https://shop.example")
    assert_described(PLACEHOLDERS[about], context)


def assert_described(fields: tuple[Placeholder, ...], values: object) -> None:
    assert isinstance(values, dict)
    assert {field.name for field in fields} == set(values)
    types = {Kind.TEXT: str, Kind.URL: str, Kind.NUMBER: int, Kind.FLAG: bool, Kind.LIST: list}
    for field in fields:
        value = values[field.name]
        assert isinstance(value, types.get(field.kind, dict)) or (field.optional and value is None)
        if field.kind is Kind.LIST:
            assert_described(field.fields, value[0])
        elif field.kind is Kind.GROUP:
            assert_described(field.fields, value)


@pytest.mark.parametrize("about", PLACEHOLDERS)
def test_placeholders_are_described_with_samples(about: str) -> None:
    for name, field in documented(PLACEHOLDERS[about]):
        assert name.endswith(field.name)
        assert str(field.description)
        assert bool(field.sample) is (field.kind not in (Kind.LIST, Kind.GROUP))
