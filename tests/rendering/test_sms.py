from __future__ import annotations

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.sms import GSM_7, UCS_2, in_gsm, segment, to_gsm
from cart_recovery.rendering.validation import validate_template
from tests.rendering.facts import RESTORE, UNSUBSCRIBE, line, text_message


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("", GSM_7, 1),
        ("a" * 160, GSM_7, 1),
        ("a" * 161, GSM_7, 2),
        ("a" * 306, GSM_7, 2),
        ("a" * 307, GSM_7, 3),
        ("€" * 80, GSM_7, 1),
        ("€" * 81, GSM_7, 2),
        # 152 + a pair that may not be split: padding
        ("a" * 152 + "€" + "a" * 20, GSM_7, 2),
        ("a" * 152 + "€" + "a" * 151, GSM_7, 2),
        ("a" * 152 + "€" + "a" * 152, GSM_7, 3),
        ("–" * 70, UCS_2, 1),
        ("–" * 71, UCS_2, 2),
        ("–" * 134, UCS_2, 2),
        ("–" * 135, UCS_2, 3),
        ("🙂" * 35, UCS_2, 1),
        ("🙂" * 36, UCS_2, 2),
        # 66 units and a pair that may not be split
        ("–" * 66 + "🙂" + "–" * 65, UCS_2, 2),
        ("–" * 66 + "🙂" + "–" * 66, UCS_2, 3),
        ("äöüÄÖÜß§", GSM_7, 1),
        ("Ç", GSM_7, 1),
        ("ç", UCS_2, 1),
        ("ẞ", UCS_2, 1),
        ("`", UCS_2, 1),
        ("\t", UCS_2, 1),
        ("\u00a0", UCS_2, 1),
        ("„", UCS_2, 1),
        ("…", UCS_2, 1),
        ("^{}\\[~]|€\f", GSM_7, 1),
    ],
)
def test_segments_are_counted_as_the_provider_does(text: str, encoding: str, parts: int) -> None:
    found = segment(text)
    assert (found.encoding, found.parts) == (encoding, parts)


@pytest.mark.parametrize(
    ("text", "units"),
    [("\r\n", 2), ("^{}\\[~]|€\f", 20), ("a" * 152 + "€" + "a" * 20, 175), ("🙂", 2), ("–", 1)],
)
def test_units_count_escapes_and_padding(text: str, units: int) -> None:
    assert segment(text).units == units


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("„Hallo“ – schön…", '"Hallo" - schön...'),
        ("it’s\u00a05 €", "it's 5 €"),
        ("a\tb`c", "a b'c"),
        ("«x» × 2²", '"x" x 22'),
        ("u\u0308", "ü"),
        ("50\u202f% \u2009weniger", "50 %  weniger"),
        ("ﬁn\u200be\u00ad", "fine"),
        ("ç ẞ 🙂", "ç ẞ 🙂"),
    ],
)
def test_typographic_characters_are_written_plainly(text: str, plain: str) -> None:
    assert to_gsm(text) == plain


@given(st.text(max_size=500))
def test_segments_are_never_fewer_than_the_units_need(text: str) -> None:
    found = segment(text)
    single, multiple = (160, 153) if found.encoding == GSM_7 else (70, 67)
    if found.parts == 1:
        assert found.units <= single
    else:
        assert multiple * (found.parts - 1) < found.units <= multiple * found.parts


@given(st.text(max_size=300), st.text(max_size=50))
def test_more_text_never_takes_fewer_parts(text: str, more: str) -> None:
    if segment(text).encoding == segment(text + more).encoding:
        assert segment(text).parts <= segment(text + more).parts


def test_sms_is_gsm_where_only_typography_stands_in_the_way() -> None:
    sent = text_message(
        "{{ shop_name }}: „{{ first_line.title }}“ – noch da… {{ restore_url }}", line("Hemd „Ö“")
    )
    assert segment(sent.text).encoding == GSM_7
    assert sent.text.startswith('Probeladen: "Hemd "Ö"" - noch da... ' + RESTORE)


def test_sms_keeps_its_typography_where_it_is_unicode_anyway() -> None:
    sent = text_message("Привет – „мир“ {{ restore_url }}")
    assert "– „мир“" in sent.text


@pytest.mark.parametrize(
    ("template", "supports_reply", "hint"),
    [
        ("Ihr Korb: {{ restore_url }}", True, "STOP"),
        ("Ihr Korb: {{ restore_url }}", False, UNSUBSCRIBE),
        ("Ihr Korb: {{ restore_url }} Ende: STOP", True, "STOP"),
        ("Ihr Korb: {{ restore_url }} Ende: STOP", False, UNSUBSCRIBE),
        ("Ihr Korb: {{ restore_url }} Ende: {{ unsubscribe_url }}", True, UNSUBSCRIBE),
        ("Ihr Korb: {{ restore_url }} {% if voucher %}STOP{% endif %}", True, "STOP"),
    ],
)
def test_sms_says_once_how_to_end_it(template: str, supports_reply: bool, hint: str) -> None:
    sent = text_message(template, supports_reply=supports_reply)
    assert sent.text.count(hint) == 1


def test_title_that_says_stop_is_no_way_out() -> None:
    sent = text_message("{{ first_line.title }} {{ restore_url }}", line("STOP-Schild"))
    assert UNSUBSCRIBE in sent.text


def test_sms_names_its_sender_where_the_template_does_not() -> None:
    assert text_message("Ihr Korb: {{ restore_url }}").text.startswith("Probeladen: Ihr Korb")
    assert text_message("Probeladen: {{ restore_url }}").text.count("Probeladen") == 1


def test_sms_without_link_to_the_basket_is_refused() -> None:
    [error] = validate_template(address_kind="phone", text="Ihr Korb wartet.")
    assert error.field == "text"
    assert "restore_url" in error.reason


def test_long_titles_are_shortened_until_the_text_fits() -> None:
    title = "Handgewebte Merinowolldecke mit Fransen " * 6
    sent = text_message("{{ shop_name }}: {{ first_line.title }} {{ restore_url }}", line(title))
    assert sent.sms_parts == segment(sent.text).parts <= conf.SMS_MAX_PARTS
    assert "Handgewebte" in sent.text
    assert RESTORE in sent.text


@override_settings(CART_RECOVERY={"SMS_MAX_PARTS": 1, "SHOP_NAME": "Probeladen"})
def test_shortening_leaves_links_and_own_words_whole() -> None:
    sent = text_message(
        "{{ shop_name }}: {{ first_line.title }} {{ restore_url }}",
        line("Handgewebte Merinowolldecke mit Fransen und einem sehr langen Titel " * 2),
        supports_reply=True,
    )
    assert sent.sms_parts == 1
    assert RESTORE in sent.text
    assert "…" not in sent.text
    assert sent.text.endswith("STOP")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Kubek Łódź ceramiczny", "Kubek Lodz ceramiczny"),
        ("Teekanne 🫖 „Anna“", 'Teekanne "Anna"'),
        ("Ćevapčići, ça va, Dvořák", "Cevapcici, ca va, Dvorak"),
        ("Käse ½ kg [Bio] 5 €", "Käse 1/2 kg [Bio] 5 €"),
        ("ﬁne Ｔｅａ", "fine Tea"),
        ("Чайник 5 л", "Чайник 5 л"),
        ("🫖", "🫖"),
        ("", ""),
    ],
)
def test_letters_that_an_sms_lacks_lose_their_marks(text: str, plain: str) -> None:
    assert in_gsm(text) == plain


@override_settings(CART_RECOVERY={"SMS_MAX_PARTS": 1, "SHOP_NAME": "Probeladen"})
def test_a_title_is_spelled_plainly_where_its_letters_cost_too_much_room() -> None:
    template = "{{ shop_name }}: {{ first_line.title }} " + "x" * 60 + " {{ restore_url }}"
    sent = text_message(template, line("Kubek Łódź"), supports_reply=True)
    assert "Kubek Lodz" in sent.text
    assert sent.sms_parts == 1
    sent = text_message(template.replace("x" * 60, ""), line("Łódź"), supports_reply=True)
    assert sent.sms_parts == 1


@override_settings(CART_RECOVERY={"SMS_MAX_PARTS": 2})
@pytest.mark.usefixtures("english")
def test_text_that_cannot_be_shortened_fails_with_its_parts() -> None:
    with pytest.raises(RenderingError, match="too long: 5 parts, allowed 2"):
        text_message("a" * 600 + " {{ restore_url }}")


@override_settings(CART_RECOVERY={"SMS_MAX_PARTS": 20})
@pytest.mark.usefixtures("english")
def test_no_body_is_longer_than_the_provider_takes() -> None:
    with pytest.raises(RenderingError, match="too long"):
        text_message("a" * 1600 + " {{ restore_url }}")


@pytest.mark.usefixtures("english")
def test_text_too_long_for_the_samples_is_refused_at_saving() -> None:
    errors = validate_template(address_kind="phone", text="a" * 500 + " {{ restore_url }}")
    assert errors
    assert all("too long" in error.reason for error in errors)


def test_sms_is_text_alone() -> None:
    sent = text_message("Ihr Korb: {{ restore_url }}")
    assert (sent.subject, sent.preheader, sent.html, sent.language) == ("", "", "", "de")


@given(st.text(min_size=1, max_size=300))
def test_any_title_gives_an_sms_that_fits_or_a_reason(title: str) -> None:
    try:
        sent = text_message(
            "{{ shop_name }}: {{ first_line.title }} {{ restore_url }}", line(title)
        )
    except RenderingError as error:
        assert error.reason
    else:
        assert sent.sms_parts <= conf.SMS_MAX_PARTS
        assert RESTORE in sent.text
        assert "\r" not in sent.text
