"""Messages about orders: what they show, what they leave out, and what cannot break out of them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given

from cart_recovery.exceptions import RenderingError
from cart_recovery.models import MessageTemplate
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.rendering.advertising import advertises
from cart_recovery.rendering.batches import render_batch, render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.requests import Rendered
from cart_recovery.rendering.samples import sample_recommendations, sample_requests
from cart_recovery.rendering.validation import validate_template
from tests.rendering.facts import (
    ACTION,
    BASE,
    line,
    mail,
    order,
    order_request,
    ordered,
    request,
    text_message,
    voucher,
)
from tests.rendering.test_mail import NASTY, soup, tags

WHOLE = (
    "<h1>{{ order_number }} {{ first_line.title }}</h1>{% products %}{% button 'Los' %}"
    "{% recommendations 'Dazu' %}{% ratings 'Wie war es?' %}"
)
RATINGS = tuple((score, f"{ACTION}/{score}") for score in range(1, 7))


def product(title: str = "Hocker", **kwargs: Any) -> RecommendedProduct:
    values: dict[str, Any] = {
        "product_id": 7, "path": "/catalogue/hocker_7/", "image_url": "/media/hocker.jpg",
        "price": Decimal("89.00"), "currency": "EUR",
    }  # fmt: skip
    return RecommendedProduct(title=title, **(values | kwargs))


class TestWhatIsShown:
    def test_products_with_pictures_and_pieces_and_without_prices(self) -> None:
        facts = order(ordered("Hemd", quantity=2), ordered("Becher", image_url="", product_path=""))
        page = soup(mail("{% products %}{% button 'Los' %}", order_request(facts)).html)
        assert [a.text for a in page.select("a.title")] == ["Hemd", "Becher"]
        assert [a["href"] for a in page.select("a.title")] == [
            BASE + "/catalogue/becher_1/",
            ACTION,
        ]
        assert [img["src"] for img in page.select("img")] == [BASE + "/media/becher.jpg"]
        assert len(page.select("td.no-photo-cell")) == 1
        assert "2" in page.select_one("div.detail").text  # type: ignore[union-attr]
        assert len(page.select("div.detail")) == 1
        assert "€" not in page.select_one("td.card").text  # type: ignore[union-attr]
        assert [a["href"] for a in page.select("a.button-link")] == [ACTION]

    def test_many_lines_end_with_how_many_more_there_are(self) -> None:
        facts = order(*(ordered(f"P{n}") for n in range(33)))
        page = soup(mail("{% products %}", order_request(facts)).html)
        assert len(page.select("a.title")) == 20
        assert "13" in page.select_one("td.more").text  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("language", "said"),
        [
            ("de", "100482|18. November 2026|1.234,50\xa0€|49,90\xa0€|3/1"),
            ("en", "100482|November 18, 2026|€1,234.50|€49.90|3/1"),
            ("de-at", "100482|18. November 2026|€\xa01.234,50|€\xa049,90|3/1"),
        ],
    )
    def test_amounts_and_dates_are_written_for_the_reader(self, language: str, said: str) -> None:
        facts = order(ordered(quantity=3), other_lines=(ordered(),), refund=Decimal("49.90"))
        sent = mail(
            "<p>x</p>",
            order_request(facts, language=language),
            text="{{ order_number }}|{{ order_date }}|{{ total }}|{{ refund|default('–') }}|"
            "{{ item_count }}/{{ other_count }}",
            language=language[:2],
        )
        assert sent.text.startswith(said + "\n")

    def test_pieces_of_a_line_cost_what_they_cost_or_nothing_is_said(self) -> None:
        facts = order(ordered("A", total=Decimal(5)), ordered("B", total=None))
        sent = mail(
            "{% for line in lines %}<p>{{ line.title }}{% if line.total %}: {{ line.total }}"
            "{% endif %}</p>{% endfor %}",
            order_request(facts),
        )
        assert [p.text for p in soup(sent.html).select("td.card p")] == ["A: 5,00\xa0€", "B"]

    @pytest.mark.parametrize("name", ["order_url", "tracking_url", "payment_url", "review_url"])
    @pytest.mark.parametrize("url", ["", "/relative", "javascript:alert(1)", "https://a b/<x>"])
    def test_a_link_that_there_is_none_of_is_missing(self, name: str, url: str) -> None:
        source = f"<p>{{% if {name} %}}ja{{% else %}}nein{{% endif %}}</p>"
        assert "nein" in mail(source, order_request(order(**{name: url}))).html
        assert "ja" in mail(source, order_request(order(**{name: ACTION}))).html

    def test_scores_are_big_enough_to_tap_and_say_what_they_mean(self) -> None:
        sent = mail(
            "{% ratings 'Wie war es?' %}", order_request(order(ratings=RATINGS), language="en")
        )
        page = soup(sent.html)
        links = page.select("a.score-link")
        assert [(a.text, a["href"]) for a in links] == [(str(s), url) for s, url in RATINGS]
        assert [a["aria-label"] for a in links] == [
            "Rate us 1, very good", *(f"Rate us {n}" for n in range(2, 6)), "Rate us 6, unsatisfactory",
        ]  # fmt: skip
        assert [td.text for td in page.select("td.end")] == ["1 = very good", "6 = unsatisfactory"]
        assert page.select_one("td.card h2").text == "Wie war es?"  # type: ignore[union-attr]
        # padding and line: at least 44 CSS pixels high
        style = str(links[0]["style"])
        assert re.search(r"padding: ?14px", style)
        assert "line-height: 20px" in style
        assert f"1 (very good): {ACTION}/1" in sent.text
        assert f"6 (unsatisfactory): {ACTION}/6" in sent.text

    def test_blocks_without_anything_to_show_leave_nothing_behind(self) -> None:
        sent = mail("<p>x</p>{% recommendations 'Dazu' %}{% ratings 'Wie?' %}", order_request())
        page = soup(sent.html)
        assert page.select("td.card h2") == page.select("td.card table") == []
        assert "Dazu" not in sent.text
        assert "Wie?" not in sent.text

    @pytest.mark.parametrize("sent_request", [request(), order_request()])
    def test_recommendations_stand_under_a_heading_if_one_is_given(self, sent_request: Any) -> None:
        asked = replace(sent_request, recommendations=(product(), product("Salz", price=None)))
        page = soup(mail("{% recommendations 'Dazu' %}", asked).html)
        assert page.select_one("td.card h2").text == "Dazu"  # type: ignore[union-attr]
        assert [a.text for a in page.select("a.title")] == ["Hocker", "Salz"]
        assert [d.text for d in page.select("div.detail")] == ["89,00\xa0€"]
        assert soup(mail("{% recommendations %}", asked).html).select("td.card h2") == []

    def test_help_is_where_answers_are_read(self, settings: Any) -> None:
        def contact(**ours: str) -> str:
            settings.CART_RECOVERY = {**settings.CART_RECOVERY, **ours}
            return mail("<p>x</p>", order_request(), text="{{ help_contact }}").text.split("\n")[0]

        assert contact(FROM_EMAIL="Laden <post@shop.example>") == "post@shop.example"
        assert contact(REPLY_TO="Hilfe <hilfe@shop.example>") == "hilfe@shop.example"

    def test_the_frame_says_why_by_what_it_is_about(self) -> None:
        assert "because you ordered from" in mail("<p>x</p>", order_request(language="en")).text
        assert "left a basket" in mail("<p>x</p>", request(language="en")).text

    def test_further_parcels_have_their_own_links(self) -> None:
        source = (
            "{% for parcel in other_parcels %}<p><a href='{{ parcel.url }}'>x</a></p>{% endfor %}"
        )
        more = (f"{ACTION}/2", "javascript:alert(1)", f"{ACTION}/3")
        page = soup(mail(source, order_request(order(other_parcels=more))).html)
        assert [a["href"] for a in page.select("td.card p a")][:2] == [more[0], more[2]]

    @pytest.mark.parametrize(("length", "is_there"), [(40, True), (360, False)])
    def test_further_parcels_give_way_before_a_text_is_lost(
        self, length: int, is_there: bool
    ) -> None:
        asked: dict[str, Any] = {
            "order": order(tracking_url=ACTION, other_parcels=(f"{ACTION}/{'2' * length}",)),
            "basket": None,
        }
        loop = "{% for parcel in other_parcels %} {{ parcel.url }}{% endfor %}"
        sent = text_message("Unterwegs: {{ action_url }}" + loop, **asked)
        assert ACTION in sent.text
        assert (f"{ACTION}/2" in sent.text) is is_there


class TestWhatFails:
    def test_an_order_without_lines(self) -> None:
        facts = order()
        empty = type(facts)(
            number="1", placed_at=facts.placed_at, total=facts.total, currency="EUR", lines=(),
            action_url=ACTION,
        )  # fmt: skip
        with pytest.raises(RenderingError) as caught:
            mail("<p>x</p>", order_request(empty))
        assert caught.value.field == "order"

    @pytest.mark.parametrize("changes", [{"number": ""}, {"currency": ""}])
    def test_an_order_without_number_or_currency(self, changes: dict[str, str]) -> None:
        with pytest.raises(RenderingError) as caught:
            mail("<p>x</p>", order_request(order(**changes)))
        assert caught.value.field == "order"

    @pytest.mark.parametrize("url", ["", "/relative", "javascript:alert(1)"])
    def test_a_button_that_leads_nowhere(self, url: str) -> None:
        with pytest.raises(RenderingError) as caught:
            mail("<p>x</p>", order_request(order(action_url=url)))
        assert caught.value.field == "action_url"

    def test_a_score_whose_link_leads_nowhere(self) -> None:
        with pytest.raises(RenderingError) as caught:
            mail("<p>x</p>", order_request(order(ratings=((1, "x"),))))
        assert caught.value.field == "ratings"

    @pytest.mark.usefixtures("english")
    def test_a_template_about_the_other_subject(self) -> None:
        content = Content("de", subject="A", html="<p>x</p>", about="order")
        with pytest.raises(RenderingError, match="about an order, and the message about a basket"):
            render_content(content, request(), base=BASE)
        with pytest.raises(RenderingError, match="about a basket, and the message about an order"):
            render_content(Content("de", subject="A", html="<p>x</p>"), order_request(), base=BASE)

    def test_what_is_missing_where_it_is_used(self) -> None:
        for name in ("refund", "thanks.value", "tracking_url"):
            with pytest.raises(RenderingError) as caught:
                mail("<p>x</p>", order_request(), text="{{ " + name + " }}")
            assert caught.value.reason


@pytest.mark.usefixtures("english")
class TestWriting:
    def errors(self, about: str, html: str, kind: str = "email") -> list[str]:
        texts = {"subject": "A", "html": html} if kind == "email" else {"text": html}
        return [e.reason for e in validate_template(address_kind=kind, about=about, **texts)]

    def test_each_subject_has_its_own_placeholders(self) -> None:
        assert self.errors("order", "<p>{{ order_number }}</p>") == []
        assert (
            "no placeholder “order_number”" in self.errors("cart", "<p>{{ order_number }}</p>")[0]
        )
        assert "no placeholder “restore_url”" in self.errors("order", "<p>{{ restore_url }}</p>")[0]
        [reason] = self.errors("order", "{% for line in unavailable_lines %}x{% endfor %}")
        assert "no placeholder" in reason

    def test_scores_are_for_orders(self) -> None:
        assert self.errors("order", "<p>x</p>{% ratings %}") == []
        [error] = validate_template(
            address_kind="email", subject="A", html="<p>x</p>\n{% ratings %}"
        )
        assert (error.field, error.line) == ("html", 2)
        assert "{% ratings %} cannot be used here" in error.reason

    def test_what_may_be_missing_is_wrapped(self) -> None:
        names = ("refund", "amount_due", "tracking_url", "order_url", "payment_url", "review_url")
        for name in names:
            assert "may be missing" in self.errors("order", f"<p>{{{{ {name} }}}}</p>")[0]
            wrapped = f"<p>{{% if {name} %}}{{{{ {name} }}}}{{% endif %}}</p>"
            assert self.errors("order", wrapped) == []

    def test_a_short_message_about_an_order_needs_no_link(self) -> None:
        assert self.errors("order", "Bestellung {{ order_number }} ist da.", "phone") == []
        assert "cannot be used" in self.errors("order", "{% ratings %}", "phone")[0]

    @pytest.mark.parametrize(
        "html", ["{% ratings 1 %}", "{% recommendations x %}", "{% recommendations '' %}"]
    )
    def test_a_heading_is_written_in_quotes(self, html: str) -> None:
        assert "takes nothing else" in self.errors("order", html)[0]

    def test_a_heading_is_text(self) -> None:
        facts = order_request(order(ratings=RATINGS))
        page = soup(mail("{% ratings '<b> & {{ shop_name }}' %}", facts).html)
        assert page.select_one("td.card h2").text == "<b> & Probeladen"  # type: ignore[union-attr]


class TestWithoutAdvertising:
    EVERYTHING = (
        "{% if voucher %}<p>{{ voucher.code }}</p>{% endif %}{% recommendations 'Dazu' %}"
        "{% if thanks %}<p>{{ thanks.value }}</p>{% endif %}{% ratings 'Wie?' %}"
        "{% if review_url %}<p><a href='{{ review_url }}'>Bewerten</a></p>{% endif %}<p>Ende</p>"
    )

    def asked(self, **kwargs: Any) -> Any:
        facts = order(ratings=RATINGS, thanks=voucher(), review_url=ACTION + "/review")
        more = {"voucher": voucher(), "recommendations": sample_recommendations()}
        return order_request(facts, **more, **kwargs)

    def test_nothing_of_it_is_left_in_a_service_message(self) -> None:
        harmless = mail("<p>Ende</p>", order_request())
        sent = mail(self.EVERYTHING, self.asked(may_advertise=False))
        assert tags(sent.html) == tags(harmless.html)
        for word in ("K7M2Q9XA4T", "Dazu", "Wie?", "Hocker", "Bewerten", "10"):
            assert word not in soup(sent.html).select_one("td.card").text  # type: ignore[union-attr]
            assert word not in sent.text.partition("\n--")[0]

    def test_it_is_there_where_advertising_is_allowed(self) -> None:
        sent = mail(self.EVERYTHING, self.asked())
        for word in ("K7M2Q9XA4T", "Dazu", "Wie?", "Hocker", "Bewerten"):
            assert word in sent.html

    def test_nor_in_a_message_about_a_basket(self) -> None:
        more = {"voucher": voucher(), "recommendations": sample_recommendations()}
        source = "{% if voucher %}<p>{{ voucher.code }}</p>{% endif %}{% recommendations 'Dazu' %}"
        sent = mail(source + "<p>x</p>", request(**more, may_advertise=False))
        assert "K7M2Q9XA4T" not in sent.html
        assert "Dazu" not in sent.html

    @pytest.mark.parametrize(
        ("html", "about", "found"),
        [
            ("<p>{{ order_number }}</p>{% products %}{% button 'x' %}", "order", []),
            ("<p>{{ total }}</p>{% products %}{% button 'x' %}", "cart", []),
            ("{% recommendations %}", "cart", ["recommendations"]),
            (
                "{% for p in recommendations %}{{ p.title }}{% endfor %}",
                "order",
                ["recommendations"],
            ),
            ("{% if voucher %}{{ voucher.code }}{% endif %}", "order", ["voucher"]),
            ("{% if not voucher %}x{% endif %}", "cart", ["voucher"]),
            ("{% ratings %}{% if thanks %}x{% endif %}", "order", ["ratings", "thanks"]),
            ("{% if review_url %}{{ review_url }}{% endif %}", "order", ["review_url"]),
            ("{{ nix }} {% if voucher", "order", []),
        ],
    )
    @pytest.mark.parametrize("field", ["html", "text"])
    def test_a_template_says_what_of_it_is_advertising(
        self, field: str, html: str, about: str, found: list[str]
    ) -> None:
        assert advertises(Content("de", **{field: html}, about=about)) == found


def everywhere(title: str, url: str) -> Rendered:
    """What others wrote, at every place where it can stand."""
    facts = order(
        ordered(title, quantity=2, image_url=url, product_path=url), number="7",
        other_lines=(ordered(title, image_url=url, product_path=url),), ratings=RATINGS,
        order_url=url, tracking_url=url,
    )  # fmt: skip
    return mail(
        WHOLE + "<ul>{% for o in other_lines %}<li>{{ o.title }}</li>{% endfor %}</ul>"
        "{% if tracking_url %}<a href='{{ tracking_url }}'>x</a>{% endif %}",
        order_request(facts, recommendations=(product(title, image_url=url, path=url),)),
        subject="{{ first_line.title }} |",
        preheader="{{ first_line.title }}",
    )


@given(title=NASTY, url=NASTY)
@example(title='"><script>alert(1)</script>', url='"><b>')
@example(title="</td></tr></table>{{ x }}{% y %}", url="javascript:x")
@example(title="\ue0010\ue001", url="//x/'")
def test_nothing_that_others_wrote_breaks_out(title: str, url: str) -> None:
    sent = everywhere(title, url)
    found = tags(sent.html)
    assert found in [
        tags(everywhere("A", plain).html) for plain in ("", "/b.png", "https://a.example/b")
    ]
    for text in (sent.subject, sent.html, sent.text):
        assert not [c for c in text if unicodedata.category(c) in ("Cs", "Co") or c in "\x00\u202e"]
    assert not re.search(r"[\r\n]", sent.subject)
    for link in re.findall(r'(?:href|src)="([^"]*)"', sent.html):
        assert link.startswith("http")


def test_a_title_with_tags_reads_as_it_was_written() -> None:
    title = "3/4 \"Hose\" <script>alert('&amp;')</script> {{ 7 }}"
    asked = order_request(order(ordered(title)), recommendations=(product(title),))
    page = BeautifulSoup(mail(WHOLE, asked).html, "html.parser")
    assert [a.text for a in page.select("a.title")] == [title, title]
    assert {img["alt"] for img in page.select("img")} == {title}
    assert page.select("script") == []


def test_long_titles_give_way_in_an_sms() -> None:
    asked: dict[str, Any] = {"order": order(ordered("Wolldecke mit Fransen " * 12)), "basket": None}
    sent = text_message("Unterwegs: {{ first_line.title }} {{ action_url }}", **asked)
    assert sent.sms_parts <= 3
    assert ACTION in sent.text


class TestLongLinks:
    """News of an order is not lost for a link that fills an SMS."""

    LONG = "https://parcel.example/" + "a" * 500
    SHIPPED = (
        "Ihre Bestellung {{ order_number }} ist unterwegs.{% if tracking_url %} Sendung verfolgen: "
        "{{ tracking_url }}{% endif %}{% if payment_url %} Bezahlen: {{ payment_url }}{% endif %}"
    )

    def sent(self, template: str, **facts: Any) -> Rendered:
        return text_message(template, order=order(**facts), basket=None)

    @pytest.mark.parametrize("name", ["tracking_url", "payment_url"])
    def test_it_is_said_without_the_link(self, name: str) -> None:
        sent = self.sent(self.SHIPPED, action_url=self.LONG, **{name: self.LONG})
        assert "Bestellung 100482 ist unterwegs." in sent.text
        assert "parcel.example" not in sent.text
        assert sent.sms_parts <= 2

    def test_a_button_leads_to_the_order_or_to_the_shop(self) -> None:
        facts = {"action_url": self.LONG, "tracking_url": self.LONG}
        page = f"{BASE}/orders/100482/"
        assert page in self.sent("Unterwegs: {{ action_url }}", **facts, order_url=page).text
        assert f"{BASE}/\n" in self.sent("Unterwegs: {{ action_url }}", **facts).text

    def test_a_link_that_fits_stays(self) -> None:
        sent = self.sent(self.SHIPPED, tracking_url=self.LONG[:200])
        assert self.LONG[:200] in sent.text

    def test_a_mail_has_room_for_it(self) -> None:
        facts = order(action_url=self.LONG, tracking_url=self.LONG)
        assert self.LONG in mail("{% button 'Los' %}", order_request(facts)).html


@pytest.mark.django_db
def test_a_batch_holds_both_kinds() -> None:
    MessageTemplate.objects.all().delete()
    for about, name in (("cart", "restore_url"), ("order", "action_url")):
        MessageTemplate.objects.create(
            code=about, channel="email", language="de", about=about, subject="A",
            html="<p><a href='{{ " + name + " }}'>x</a></p>",
        )  # fmt: skip
    results = render_batch(
        [
            request(line(), template_code="cart"),
            order_request(template_code="order"),
            order_request(template_code="cart"),
        ]
    )
    assert [type(result) for result in results] == [Rendered, Rendered, RenderingError]
    assert isinstance(results[1], Rendered)
    assert ACTION in results[1].html


def test_samples_have_and_lack_everything_that_is_optional() -> None:
    asked = list(sample_requests("email", "de", "order"))
    orders = [item.order for item in asked if item.order is not None]
    assert len(orders) == len(asked)
    for name in ("order_url", "tracking_url", "payment_url", "review_url", "refund", "ratings",
                 "thanks", "other_lines", "other_parcels", "is_part"):  # fmt: skip
        assert {bool(getattr(item, name)) for item in orders} == {True, False}, name
    lines = [item for one in orders for item in one.lines]
    assert {bool(item.image_url) for item in lines} == {True, False}
    assert {item.total is None for item in lines} == {True, False}
    assert {bool(item.thanks.minimum_basket) for item in orders if item.thanks} == {True, False}
    for name in ("voucher", "recommendations", "supports_reply"):
        assert {bool(getattr(item, name)) for item in asked} == {True, False}, name
