from __future__ import annotations

import itertools

import pytest

from cart_recovery.models import MessageTemplate
from cart_recovery.rendering.batches import PHONE, render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.context import build_context
from cart_recovery.rendering.defaults import install_defaults, shipped_templates
from cart_recovery.rendering.placeholders import PLACEHOLDERS, Kind, Placeholder, documented
from cart_recovery.rendering.samples import sample_requests
from cart_recovery.rendering.validation import validate_template
from tests.rendering.facts import BASE, line, request, voucher

SHIPPED = {f"{t.code} {t.channel} {t.language}": t for t in shipped_templates()}


def kind(template: MessageTemplate) -> str:
    return PHONE if template.channel == "sms" else "email"


def test_every_code_is_shipped_in_both_languages() -> None:
    codes = [f"abandoned-{what}-{n}" for what in ("basket", "checkout") for n in (1, 2, 3)]
    mails = {f"{code} email {lang}" for code, lang in itertools.product(codes, ("de", "en"))}
    texts = {
        f"abandoned-{what}-2 sms {lang}" for what in ("basket", "checkout") for lang in ("de", "en")
    }
    assert set(SHIPPED) == mails | texts


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_template_can_be_saved(name: str) -> None:
    template = SHIPPED[name]
    template.clean_fields()
    texts = {field: getattr(template, field) for field in ("subject", "preheader", "html", "text")}
    assert validate_template(address_kind=kind(template), language=template.language, **texts) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_template_names_the_voucher_only_if_there_is_one(name: str) -> None:
    template = SHIPPED[name]
    content = Content(
        template.language, template.subject, template.preheader, template.html, template.text
    )
    for sample in sample_requests(kind(template), template.language):
        sent = render_content(content, sample, base=BASE)
        body = sent.subject + sent.html + sent.text
        wants = sample.voucher is not None and template.code[-1] != "1"
        assert ("K7M2Q9XA4T" in body) is wants
        assert ("utschein" in body or "voucher" in sent.text) is (
            wants and template.channel != "sms"
        )
        assert sent.sms_parts <= 3


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


def test_documented_placeholders_are_those_that_a_template_sees() -> None:
    facts = (line(options=(("a", "b"),)), line("weg", is_available=False))
    context = build_context(
        request(*facts, voucher=voucher()), language="de", base_url="https://shop.example"
    )
    assert_described(PLACEHOLDERS, context)


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


def test_placeholders_are_described_with_samples() -> None:
    for name, field in documented():
        assert name.endswith(field.name)
        assert str(field.description)
        assert bool(field.sample) is (field.kind not in (Kind.LIST, Kind.GROUP))
