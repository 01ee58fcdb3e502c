from __future__ import annotations

import pytest
from django.test import override_settings
from hypothesis import example, given
from hypothesis import strategies as st

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.language import parse
from cart_recovery.rendering.plaintext import tidy
from cart_recovery.rendering.validation import validate_template
from tests.rendering.facts import line, mail, request, text_message, voucher


def rendered(text: str, *args: object, **kwargs: object) -> str:
    """The text part's own text, without the frame's footer."""
    sent = mail("<p>x</p>", request(*args, **kwargs), text=text)  # type: ignore[arg-type]
    return sent.text.rpartition("\n--\n")[0].strip()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ shop_name }}", "Probeladen"),
        ("{{shop_name}}", "Probeladen"),
        ("{{ shop_name|upper }}", "PROBELADEN"),
        ("{{ shop_name | lower }}", "probeladen"),
        ("{{ shop_name|truncate(5) }}", "Prob…"),
        ('{{ voucher.minimum|default("nein") }}', "nein"),
        ("a {# note #} b", "a  b"),
        ("a {#- note -#} b", "ab"),
        ("{ a } { {{ shop_name }} }", "{ a } { Probeladen }"),
        ("100 % } {", "100 % } {"),
        ("{% if item_count > 1 %}viele{% else %}eins{% endif %}", "viele"),
        ("{% if item_count == 3 and line_count >= 2 %}ja{% endif %}", "ja"),
        ("{% if not voucher or voucher.minimum %}a{% else %}b{% endif %}", "b"),
        ("{% if (voucher and item_count) or more_count %}ja{% endif %}", "ja"),
        ("{% if more_count %}a{% elif item_count < 3 %}b{% elif 1 %}{% endif %}", None),
        ("{% if more_count %}a{% elif item_count < 3 %}b{% else %}c{% endif %}", "c"),
        ('{% if language == "de" %}deutsch{% endif %}', "deutsch"),
        ('{% if language != "de" %}x{% else %}deutsch{% endif %}', "deutsch"),
        ('{% if voucher.code == "K7M2Q9XA4T" %}der{% endif %}', "der"),
        ('{% if voucher.minimum == "3" %}a{% else %}b{% endif %}', "b"),
        ("{% for l in lines %}{{ loop.index }}{{ l.title }}{% if not loop.last %}, {% endif %}{% endfor %}",
         "1Becher, 2Hemd"),
        ("{% for l in lines %}{% for o in l.options %}{{ o.name }}={{ o.value }};{% endfor %}{% endfor %}",
         "Größe=M;"),
        ("{% for l in lines %}\n* {{ l.title }}\n{% endfor %}\nEnde", "* Becher\n* Hemd\nEnde"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("{% for l in lines -%}\n  {{ l.title }}\n{%- endfor %}", "BecherHemd"),
        ("{{ 'x' }}", None),
    ],
)  # fmt: skip
def test_language_means_what_it_says(source: str, expected: str | None) -> None:
    lines = (line("Becher"), line("Hemd", quantity=2, options=(("Größe", "M"),)))
    if expected is None:
        with pytest.raises(RenderingError):
            rendered(source, *lines, voucher=voucher())
    else:
        assert rendered(source, *lines, voucher=voucher()) == expected


@pytest.mark.parametrize(
    ("source", "at", "reason"),
    [
        ("a\nb {{ nosuch }}", 2, "nosuch"),
        ("\n\n{% if 0 %}{% endif %}", 3, "placeholder"),
        ("{% if voucher %}\n{{ nosuch }}\n{% endif %}", 2, "nosuch"),
        ("{% if not shop_name %}\n{{ lines.nosuch }}\n{% endif %}", 2, "lines.nosuch"),
        ("{% for l in unavailable_lines %}\n\n{{ l.price }}{% endfor %}", 3, "l.price"),
        ("{% for l in lines %}{% endfor %}\n{{ l.title }}", 2, "l.title"),
        ("{% if voucher %}{{ voucher.nosuch }}{% endif %}", 1, "voucher.code"),
        ("{{ Shop_name }}", 1, "Shop_name"),
        ("x\n{% if voucher %}", 2, "endif"),
        ("x\n{% endfor %}", 2, "endfor"),
        ("{% if voucher %}\n{% endfor %}", 2, "endif"),
        ("{% for l in lines %}\n{% else %}{% endfor %}", 2, "endfor"),
        ("\n{{ shop_name", 2, "{{"),
        ("\n\n{{ shop_name }", 3, "{{"),
        ("shop_name }}", 1, "}}"),
        ("{{ }}", 1, "placeholder"),
        ("{{ shop_name }}\n{{ shop name }}", 2, "name"),
        ("{{ shop_name|nosuch }}", 1, "nosuch"),
        ("{{ shop_name|truncate }}", 1, "truncate(40)"),
        ('{{ shop_name|truncate("4") }}', 1, "truncate(40)"),
        ("{{ shop_name|default('x') }}", 1, "never missing"),
        ("{% for shop_name in lines %}{% endfor %}", 1, "shop_name"),
        ("{% for loop in lines %}{% endfor %}", 1, "loop"),
        ("{% for x in shop_name %}{% endfor %}", 1, "not a list"),
        ("{% for x of lines %}{% endfor %}", 1, "for line in lines"),
        ("{% if item_count > 'a' %}{% endif %}", 1, "compared"),
        ("{% if shop_name > 'a' %}{% endif %}", 1, "=="),
        ("{% if lines == 3 %}{% endif %}", 1, "compared"),
        ("{% button %}", 1, "label"),
        ("{% products 3 %}", 1, "products"),
        ("{% nosuch %}", 1, "nosuch"),
        ("\n{{ voucher.code }}", 2, "may be missing"),
        ("{% if voucher %}{% else %}\n{{ voucher.code }}{% endif %}", 2, "may be missing"),
        ("{% if voucher or more_count %}\n{{ voucher.code }}{% endif %}", 2, "may be missing"),
        ("{% if voucher %}\n{{ voucher.minimum }}{% endif %}", 2, "voucher.minimum"),
        ("{% for l in lines %}\n{{ l.image_url }}{% endfor %}", 2, "l.image_url"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("english")
def test_mistake_is_refused_at_saving_with_its_line(source: str, at: int, reason: str) -> None:
    for texts in ({"text": source}, {"html": source}):
        errors = validate_template(
            address_kind="email", **{"subject": "Betreff", "html": "<p>x</p>"} | texts
        )
        assert [(error.field, error.line) for error in errors] == [(*texts, at)]
        assert reason in errors[0].reason


@pytest.mark.parametrize(
    "source",
    [
        "{% if voucher %}{{ voucher.code }}{% endif %}",
        "{% if voucher and more_count %}{{ voucher.code }}{% endif %}",
        "{% if not voucher %}–{% else %}{{ voucher.code }}{% endif %}",
        "{% if not voucher %}–{% elif more_count %}{{ voucher.code }}{% endif %}",
        "{% if voucher.minimum %}{{ voucher.minimum }} {{ voucher.code }}{% endif %}",
        "{% if voucher and voucher.minimum %}{{ voucher.minimum }}{% endif %}",
        "{% if not voucher or not voucher.minimum %}–{% else %}{{ voucher.minimum }}{% endif %}",
        "{% if voucher %}{% for l in lines %}{{ voucher.code }}{% endfor %}{% endif %}",
        "{% if voucher %}{{ voucher.minimum|default('–') }}{% endif %}",
        "{% for l in lines %}{% if l.image_url %}{{ l.image_url }}{% endif %}{% endfor %}",
        "{% if voucher.is_free_shipping %}frei{% elif voucher %}{{ voucher.value }}{% endif %}",
    ],
)
def test_what_may_be_missing_is_taken_within_its_condition(source: str) -> None:
    texts = {"subject": "B", "html": "<p>x</p>", "text": source}
    assert validate_template(address_kind="email", **texts) == []


def test_missing_value_fails_the_message_with_field_and_line() -> None:
    with pytest.raises(RenderingError) as caught:
        mail("<p>Code</p>\n<p>{{ voucher.code }}</p>")
    assert (caught.value.field, caught.value.line) == ("html", 2)
    assert "voucher" in caught.value.reason


def test_value_that_is_there_is_sent_even_outside_of_its_condition() -> None:
    sent = mail("<p>{{ voucher.code }}</p>", request(voucher=voucher()))
    assert "K7M2Q9XA4T" in sent.html


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "{{", "preheader": "}}", "html": "{% if %}", "text": "{% x %}"},
        dict.fromkeys(("subject", "preheader", "html", "text"), "{{ nosuch }}"),
        {"subject": "{% products %}", "preheader": "{% button 'x' %}", "html": "{{", "text": "{{"},
    ],
)
def test_each_field_is_complained_about_at_once(wrong: dict[str, str]) -> None:
    errors = validate_template(address_kind="email", **wrong)
    assert [error.field for error in errors] == ["subject", "preheader", "html", "text"]


@pytest.mark.parametrize(
    ("texts", "field"),
    [({"subject": " ", "html": "x"}, "subject"), ({"subject": "x", "html": ""}, "html")],
)
def test_empty_mail_is_refused(texts: dict[str, str], field: str) -> None:
    assert [e.field for e in validate_template(address_kind="email", **texts)] == [field]


@override_settings(CART_RECOVERY={"IMPRINT": "", "LANGUAGES": []})
def test_template_can_be_saved_before_the_settings_are_complete() -> None:
    assert validate_template(address_kind="email", subject="B", html="<p>x</p>") == []


def test_language_that_staff_entered_stays_within_its_attribute() -> None:
    sent = mail("<p>x</p>", language='de" onload="x')
    assert '<html lang="deonloadx" dir="ltr"' in sent.html


@pytest.mark.usefixtures("english")
def test_sms_has_no_blocks() -> None:
    with pytest.raises(RenderingError, match="cannot be used here"):
        text_message("{% products %} {{ restore_url }}")


@given(
    st.lists(
        st.sampled_from(
            ["{{", "}}", "{%", "%}", "{#", "#}", " ", "\n", "-", '"', "'", "|", ".", "(", ")", "if",
             "endif", "else", "for", "endfor", "in", "not", "voucher", "lines", "line", "title",
             "shop_name", "==", "1", "<p>", "</p>", "<", ">", "é", "🙂", "products", "button"]
        ),
        max_size=60,
    ).map("".join)
)  # fmt: skip
@example("{{ shop_name }}")
def test_any_text_is_either_taken_or_refused_with_a_reason(source: str) -> None:
    for field in ("subject", "html", "text"):
        for error in validate_template(
            address_kind="email", **{"subject": "B", "html": "<p>x</p>", field: source}
        ):
            assert error.reason


@given(st.text(alphabet="ab {}%#-\n\"'|<>", max_size=30))
def test_text_without_tags_comes_out_as_it_went_in(source: str) -> None:
    try:
        nodes = parse(source)
    except RenderingError:
        return
    if all(type(node).__name__ == "Text" for node in nodes) and "{#" not in source:
        assert rendered("|" + source + "|") == tidy("|" + source + "|").strip()
