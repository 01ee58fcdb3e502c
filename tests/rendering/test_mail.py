from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.test import override_settings
from hypothesis import example, given
from hypothesis import strategies as st

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.mail import MAX_HTML
from cart_recovery.rendering.samples import sample_requests
from tests.rendering.facts import BASE, RESTORE, UNSUBSCRIBE, line, mail, request, voucher

PRODUCTS = "<h1>Ihr Warenkorb</h1>{% products %}{% button 'Zum Warenkorb' %}"


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def test_mail_has_frame_language_footer_and_way_out() -> None:
    sent = mail(PRODUCTS, preheader="Vorschau")
    page = soup(sent.html)
    assert page.html is not None
    assert page.html["lang"] == "de"
    assert page.find("meta", {"name": "color-scheme"})["content"] == "light dark"  # type: ignore[index]
    assert [a["href"] for a in page.select("a.button-link")] == [RESTORE]
    assert [a["href"] for a in page.select("a.opt-out")] == [UNSUBSCRIBE]
    assert "HRB 1234, Amtsgericht Berlin" in page.select_one("td.foot").text  # type: ignore[union-attr]
    assert page.select_one("div.preheader").text.startswith("Vorschau")  # type: ignore[union-attr]
    assert sent.preheader == "Vorschau"
    for text in (sent.text,):
        assert RESTORE in text
        assert UNSUBSCRIBE in text
        assert "Amtsgericht Berlin" in text


def test_right_to_left_language_turns_the_frame() -> None:
    sent = mail("<p>x</p>", request(language="ar"))
    assert 'lang="ar" dir="rtl"' in sent.html


def test_style_sheet_is_inlined_and_media_queries_are_kept() -> None:
    html = mail(PRODUCTS).html
    assert "font-weight" in soup(html).h1["style"]  # type: ignore[index]
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 480px" in html
    assert "<link" not in html


def test_loop_stays_within_its_table_when_styles_are_inlined() -> None:
    sent = mail(
        "<table><tbody>{% for l in lines %}<tr><td>{{ l.title }}</td></tr>{% endfor %}</tbody></table>",
        request(line("Eins"), line("Zwei"), line("Drei")),
    )
    cells = [cell.text for cell in soup(sent.html).select("td.card table tr > td")]
    assert cells == ["Eins", "Zwei", "Drei"]


def test_product_shows_picture_options_prices_and_page() -> None:
    sent = mail(
        PRODUCTS,
        request(
            line("Hemd", quantity=2, price=Decimal("617.25"), options=(("Größe", "M"),)),
            line("Becher", image_url="", product_path=""),
        ),
    )
    page = soup(sent.html)
    [picture] = page.select("img")
    assert picture["src"] == BASE + "/media/becher.jpg"
    assert picture["alt"] == "Hemd"
    assert len(page.select("td.no-photo-cell")) == 1
    assert [a["href"] for a in page.select("a.title")] == [BASE + "/catalogue/becher_1/", RESTORE]
    text = page.select_one("table.products").text.replace("\xa0", " ")  # type: ignore[union-attr]
    assert "Größe: M" in text
    assert "2 × 617,25 €" in text
    assert "1.234,50 €" in text
    assert page.select_one("td.total").text == "1.252,50\xa0€"  # type: ignore[union-attr]


def test_english_prices_are_written_in_english() -> None:
    sent = mail(PRODUCTS, request(line(price=Decimal("1234.50")), language="en"))
    assert "€1,234.50" in sent.html


def test_gone_lines_are_named_and_not_counted() -> None:
    sent = mail(
        PRODUCTS + "<p>{{ line_count }}/{{ item_count }}</p>",
        request(line("Da"), line("Weg", is_available=False), line("Preislos", price=None)),
    )
    page = soup(sent.html)
    assert [a.text for a in page.select("a.title")] == ["Da"]
    assert page.select_one("td.gone").text.endswith(" Weg, Preislos")  # type: ignore[union-attr]
    assert page.select_one("td.total").text == "18,00\xa0€"  # type: ignore[union-attr]
    assert "1/1" in page.text


def test_fewer_in_stock_are_offered_and_counted_as_such() -> None:
    sent = mail(PRODUCTS, request(line(quantity=5, max_quantity=2)))
    page = soup(sent.html)
    assert page.select_one("td.total").text == "36,00\xa0€"  # type: ignore[union-attr]
    assert "2" in page.select_one("div.short").text  # type: ignore[union-attr]


def test_many_lines_end_with_how_many_more_there_are() -> None:
    sent = mail(PRODUCTS, request(*[line(f"P{n}") for n in range(33)]))
    page = soup(sent.html)
    assert len(page.select("a.title")) == 20
    assert "13" in page.select_one("td.more").text  # type: ignore[union-attr]
    assert page.select_one("td.total").text == "594,00\xa0€"  # type: ignore[union-attr]


def test_basket_with_nothing_to_buy_fails() -> None:
    with pytest.raises(RenderingError) as caught:
        mail(PRODUCTS, request(line(is_available=False), line(max_quantity=0)))
    assert caught.value.field == "basket"


@pytest.mark.usefixtures("english")
def test_basket_in_two_currencies_fails_instead_of_adding_them_up() -> None:
    with pytest.raises(RenderingError, match="currencies"):
        mail(PRODUCTS, request(line(), line(currency="USD")))


@override_settings(CART_RECOVERY={"IMPRINT": ""})
@pytest.mark.usefixtures("english")
def test_mail_without_imprint_is_not_sent() -> None:
    with pytest.raises(RenderingError, match="imprint missing") as caught:
        mail(PRODUCTS)
    assert caught.value.field == "imprint"


@pytest.mark.parametrize("url", ["", "/r/relative", "javascript:alert(1)", "https://a b/<x>", "x"])
@pytest.mark.parametrize("name", ["restore_url", "unsubscribe_url"])
def test_link_that_is_no_absolute_address_fails(name: str, url: str) -> None:
    with pytest.raises(RenderingError) as caught:
        mail(PRODUCTS, request(**{name: url}))
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("given_url", "sent_url"),
    [
        ("/media/a.jpg", BASE + "/media/a.jpg"),
        ("https://cdn.example/a.jpg?x=1&y=2", "https://cdn.example/a.jpg?x=1&y=2"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("/media/a b.jpg", BASE + "/media/a%20b.jpg"),
    ],
)
def test_picture_gets_an_absolute_address(given_url: str, sent_url: str) -> None:
    [picture] = soup(mail(PRODUCTS, request(line(image_url=given_url))).html).select("img")
    assert picture["src"] == sent_url


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", 'x" onerror="y', "data:image/png,x", "a.jpg"]
)
def test_picture_with_a_strange_address_is_left_out(url: str) -> None:
    page = soup(mail(PRODUCTS, request(line(image_url=url, product_path=url))).html)
    assert page.select("img") == []
    assert page.select_one("a.title")["href"] == RESTORE  # type: ignore[index]


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({}, "10\xa0%|2026"),
        ({"value": Decimal("12.50")}, "12,5\xa0%|"),
        ({"kind": "fixed_amount", "value": Decimal(5)}, "5,00\xa0€|"),
        ({"kind": "free_shipping", "value": Decimal(0)}, "|frei"),
        ({"minimum_basket": Decimal(30)}, "ab 30,00\xa0€"),
    ],
)
def test_voucher_is_written_for_the_reader(kwargs: dict[str, object], text: str) -> None:
    sent = mail(
        "<p>{% if voucher %}{{ voucher.value }}|{{ voucher.expires }}"
        "{% if voucher.is_free_shipping %}|frei{% endif %}"
        "{% if voucher.minimum %} ab {{ voucher.minimum }}{% endif %}{% endif %}</p>",
        request(voucher=voucher(**kwargs)),
    )
    for part in text.split("|"):
        assert part in sent.html
    assert "3. Dezember 2026, 13:00 Uhr" in sent.html


def test_plain_text_is_made_from_the_html_where_staff_wrote_none() -> None:
    sent = mail(
        "<h1>Titel</h1>\n<p>Ein &amp; zwei   drei<br>vier <a href='{{ shop_url }}'>Laden</a></p>"
        "<ul>{% for l in lines %}<li>{{ l.title }}</li>{% endfor %}</ul>"
        "{% if voucher %}<p>nie</p>{% endif %}<!-- x --><a href='https://a.example/?b=1&amp;c=2'>b</a>"
        "{% button 'Los' %}",
        request(line("Hemd <b>"), line("Hose")),
    )
    assert sent.text.partition("\n--")[0].strip() == (
        "Titel\n\nEin & zwei drei\nvier Laden: https://shop.example/\n\n* Hemd <b>\n* Hose\n\n"
        "b: https://a.example/?b=1&c=2Los:\n" + RESTORE
    )


def test_subject_is_one_line_however_it_was_written() -> None:
    sent = mail(
        "<p>x</p>",
        request(line("Hemd\r\nBcc: x@y.z\u2028\x00\x1b")),
        subject="A\r\nB {{ first_line.title }}",
    )
    assert sent.subject == "A B Hemd Bcc: x@y.z"


def test_long_subject_is_cut_to_what_can_be_stored() -> None:
    sent = mail("<p>x</p>", request(line("Wort " * 60)), subject="{{ first_line.title }} " * 3)
    assert len(sent.subject) <= 255


def test_subject_that_comes_out_empty_fails() -> None:
    with pytest.raises(RenderingError) as caught:
        mail("<p>x</p>", subject="{% if voucher %}x{% endif %}")
    assert caught.value.field == "subject"


def test_mail_that_gets_too_long_fails() -> None:
    with pytest.raises(RenderingError) as caught:
        mail("{% for l in lines %}<p>" + "x" * 30_000 + "</p>{% endfor %}",
             request(*[line() for _ in range(20)]))  # fmt: skip
    assert caught.value.field == "html"
    assert f"{MAX_HTML:d}" in caught.value.reason


def test_words_of_staff_with_braces_and_quotes_come_out_as_written() -> None:
    sent = mail("<p>{ \"a\" } &lt;b&gt; 'c' {# weg #}{ {{ shop_name }} }</p>", text="{ <x> } & y")
    assert "{ \"a\" } <b> 'c' { Probeladen }" in soup(sent.html).text
    assert sent.text.startswith("{ <x> } & y")


def test_preheader_is_plain_text_also_within_the_html() -> None:
    sent = mail(
        "<p>x</p>", preheader="1 < 2 & {{ first_line.title }}{% if item_count %}<{% endif %}"
    )
    hidden = soup(sent.html).select_one("div.preheader")
    assert hidden is not None
    assert hidden.text.startswith("1 < 2 & Becher<")


NASTY = st.text(
    alphabet=st.one_of(
        st.characters(), st.sampled_from("<>&\"'{}%#\x00\u202e\u2028🙂\ud800\ue001\ue002`/\\-")
    ),
    max_size=120,
)


@given(title=NASTY, name=NASTY, value=NASTY, url=NASTY)
@example(title='"><script>alert(1)</script>', name="{{ x }}", value="{% x %}", url='"><b>')
@example(title="</td></tr></table>", name="-->", value="<!--", url="javascript:x")
@example(title="\ue0010\ue001", name="\ue0020\ue002", value="&lt;script&gt;", url="//x/'")
def test_nothing_that_others_wrote_breaks_out(title: str, name: str, value: str, url: str) -> None:
    sent = mail(
        PRODUCTS,
        request(line(title, options=((name, value),), image_url=url, product_path=url)),
        subject="{{ first_line.title }} |",
        preheader="{{ first_line.title }}",
    )
    harmless = mail(PRODUCTS, request(line("A", options=(("B", "C"),))), preheader="x")
    assert tags(sent.html) in (tags(harmless.html), tags(without_picture()))
    for text in (sent.subject, sent.html, sent.text):
        assert not [c for c in text if unicodedata.category(c) in ("Cs", "Co") or c in "\x00\u202e"]
    assert not re.search(r"[\r\n]", sent.subject)
    for link in re.findall(r'(?:href|src)="([^"]*)"', sent.html):
        assert link.startswith("http")


def without_picture() -> str:
    facts = line("A", options=(("B", "C"),), image_url="")
    return mail(PRODUCTS, request(facts), preheader="x").html


def tags(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and their attributes' names in order."""
    return [(tag.name, tuple(sorted(tag.attrs))) for tag in soup(html).find_all(True)]


def test_escaped_text_reads_as_it_was_written() -> None:
    title = "3/4 \"Hose\" <'&amp;'> {{ 7 }}"
    page = soup(mail(PRODUCTS, request(line(title))).html)
    assert page.select_one("a.title").text == title  # type: ignore[union-attr]
    assert page.select_one("img")["alt"] == title  # type: ignore[index]


def test_samples_have_and_lack_everything_that_is_optional() -> None:
    requests = list(sample_requests("email", "de"))
    assert {bool(r.voucher) for r in requests} == {True, False}
    assert {bool(r.voucher.minimum_basket) for r in requests if r.voucher} == {True, False}
    lines = [item for r in requests if r.basket for item in r.basket.lines]
    assert {bool(item.image_url) for item in lines} == {True, False}
    assert {item.is_available for item in lines} == {True, False}
    assert {bool(r.recommendations) for r in requests} == {True, False}
    assert {r.supports_reply for r in requests} == {True, False}
