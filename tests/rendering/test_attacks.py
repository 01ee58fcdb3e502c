from __future__ import annotations

import time

import pytest

from cart_recovery.rendering.validation import validate_template
from tests.rendering.attacks import ATTACKS


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("field", ["subject", "preheader", "html", "text"])
def test_attack_is_refused_at_saving_with_line_and_reason(name: str, field: str) -> None:
    texts = {"subject": "Betreff", "html": "<p>Hallo</p>", field: ATTACKS[name]}
    begun = time.process_time()
    errors = validate_template(address_kind="email", **texts)
    assert time.process_time() - begun < 10
    assert [error.field for error in errors] == [field]
    assert errors[0].reason
    assert errors[0].line == (0 if len(ATTACKS[name]) > 64_000 else 1)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_in_an_sms(name: str) -> None:
    errors = validate_template(address_kind="phone", text=ATTACKS[name])
    assert [error.field for error in errors] == ["text"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" JaVaScRiPt:alert(1)">x</a>',
        '<a href="java&#115;cript:alert(1)">x</a>',
        '<a href="java\tscript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<a href="vbscript:x">x</a>',
        '<a href="/relative">x</a>',
        '<a href="//host/x">x</a>',
        '<a href="">x</a>',
        "<a href>x</a>",
        '<a href="{{ first_line.title }}">x</a>',
        '<a href="{{ restore_url }}&amp;x=1">x</a>',
        '<a href="javascript:{{ restore_url }}">x</a>',
        '<a href="{{ restore_url|upper }}">x</a>',
        "<a href={{ restore_url }}>x</a>",
        "<img alt={{ first_line.title }}>",
        '<p class="{{ first_line.title }}">x</p>',
        '<p style="color: {{ first_line.title }}">x</p>',
        '<img alt="{{ restore_url }}">',
        "<p {{ first_line.title }}>x</p>",
        "<{{ first_line.title }}>x</p>",
        "<!-- {{ first_line.title }} -->",
        "<!--[if mso]><p>x</p><![endif]-->",
        '<p onclick="x()">x</p>',
        "<script>alert(1)</script>",
        "<style>p { color: red }</style>",
        '<iframe src="https://x.example"></iframe>',
        "<form><input></form>",
        '<svg onload="x">',
        "<html><body>x</body></html>",
        "<!DOCTYPE html>",
        "<![CDATA[x]]>",
        "<?php x ?>",
        '<p style="background: url(https://x.example/)">x</p>',
        '<p style="width: expression(1)">x</p>',
        '<p style="position: fixed">x</p>',
        '<p style="background: ur&#108;(x)">x</p>',
        "<p>not closed",
        "not opened</p>",
        "<p><b>crossed</p></b>",
        "</td></tr></table>",
        "{% if voucher %}<p>{% endif %}x</p>",
        "{% if voucher %}</td>{% endif %}",
        "<table>text</table>",
        "<table><tbody>{{ shop_name }}</tbody></table>",
        "<table><tr><td>without tbody</td></tr></table>",
        '<a href="{{ restore_url }}"><a href="{{ restore_url }}">x</a></a>',
        '<a href="{{ restore_url }}"><b>{% if voucher %}<a href="{{ shop_url }}">x</a>{% endif %}</b></a>',
        "<p><div>block in a paragraph</div></p>",
        "<p>{% products %}</p>",
        "1 < 2",
        "<p>a<</p>",
        '<p title="a>b">x</p>',
        "<p title='a\"b>x</p>",
        '<p class="a" class="b">x</p>',
        '<p {% if voucher %}class="a"{% endif %}>x</p>',
        '<p class="{% if voucher %}a{% endif %}">x</p>',
        "<p",
        "<a " + " " * 50_000,
        "<a" + " b" * 20_000,
    ],
)
def test_html_that_could_harm_or_break_the_frame_is_refused(html: str) -> None:
    errors = validate_template(address_kind="email", subject="Betreff", html=html)
    assert [(error.field, error.line) for error in errors] == [("html", 1)]


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color: #333; text-align: center">Hallo</p>',
        '<a href="https://shop.example/hilfe?a=1&amp;b=2">Hilfe</a>',
        '<a href="mailto:laden@shop.example">Post</a> <a href="tel:+49301234">Anruf</a>',
        '<img src="https://shop.example/logo.png" alt="{{ shop_name }}, der Laden" width="80">',
        "<ul>{% for line in lines %}<li>{{ line.title }}</li>{% endfor %}</ul>",
        "<table><tbody>{% for line in lines %}<tr><td>{{ line.title }}</td></tr>{% endfor %}"
        "</tbody></table>",
        "<p>{% if voucher %}<b>{{ voucher.code }}</b>{% else %}<i>–</i>{% endif %}</p>",
        "<!-- a note --><p>1 &lt; 2 &amp; 3</p>",
        "<h1>{{ shop_name }}</h1>{% products %}{% button 'Los' %}<br><hr/>",
        "Nur Text ohne ein einziges Tag",
    ],
)
def test_plain_good_html_is_taken(html: str) -> None:
    assert validate_template(address_kind="email", subject="Betreff", html=html) == []
