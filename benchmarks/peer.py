"""django-post_office sending the same mails. Works in a worker with BENCH_PEER."""

from __future__ import annotations

import re
import tempfile
import time
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Final
from unittest import mock

from django.core.management import call_command
from django.template import Context, Template
from django.utils.translation import override

from cart_recovery.models import MessageTemplate
from cart_recovery.rendering import mail
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.context import build_context
from cart_recovery.rendering.engine import Program
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.shop.baskets import BasketFacts, LineFacts

BASE: Final = "https://shop.example"
TEMPLATE: Final = "abandoned-basket-1"


def begin() -> None:
    """Have the shipped mail as a template of Django's engine, and no mails."""
    from post_office.models import Email, EmailTemplate

    Email.objects.all().delete()
    subject, text, html = django_template()
    _check_same(subject, text, html)
    EmailTemplate.objects.update_or_create(
        name="bench", language="",
        defaults={"subject": subject, "content": text, "html_content": html},
    )  # fmt: skip


def queue(count: int) -> None:
    """So many mails to be rendered when they are sent."""
    from post_office import mail as post_office
    from post_office.models import EmailTemplate

    template = EmailTemplate.objects.get(name="bench")
    context = build_context(request(), language="de", base_url=BASE)
    for begun in range(0, count, 500):
        post_office.send_many([
            {
                "recipients": [f"shopper{number}@example.org"], "sender": "shop@shop.example",
                "template": template, "render_on_delivery": True,
                "context": {**context, "restore_url": f"{BASE}/recovery/r/{number:012d}"},
                "headers": {"List-Unsubscribe": f"<{BASE}/recovery/u/{number}>"},
            }
            for number in range(begun, min(begun + 500, count))
        ])  # fmt: skip


def send(processes: int) -> tuple[tuple[float, float], int]:
    """`send_queued_mail` until nothing is queued; when, and how many were sent."""
    from post_office.models import STATUS, Email

    before = Email.objects.filter(status=STATUS.sent).count()
    lock = Path(tempfile.gettempdir()) / f"bench-post-office-{time.monotonic_ns()}"
    began = time.monotonic()
    call_command("send_queued_mail", processes=processes, lockfile=str(lock))
    span = (began, time.monotonic())
    if Email.objects.exclude(status=STATUS.sent).exists():
        raise RuntimeError("django-post_office could not send all mails")
    return span, Email.objects.filter(status=STATUS.sent).count() - before


def django_template() -> tuple[str, str, str]:
    """Subject, text and HTML of the shipped mail as Django's engine writes it.

    Our compiler's own output, so that both engines do the same work on the same document: styles
    inlined beforehand, the same loops and conditions.
    """
    sources: list[str] = []

    def record(source: str, *, is_html: bool) -> Program:
        sources.append(source)
        return Program(source, is_html=is_html)

    with mock.patch.object(mail, "Program", record):
        mail.CompiledMail(content())
    subject, _preheader, text, html = (_as_django(part) for part in sources[0].split("\x00"))
    return subject.removeprefix("{% autoescape off %}"), "{% autoescape off %}" + text, html


def content() -> Content:
    row = MessageTemplate.objects.get(code=TEMPLATE, channel="email", language="de")
    return Content(row.language, row.subject, row.preheader, row.html, row.text)


def request(channel: str = "email", *, lines: int = 3) -> RenderRequest:
    """What one mail or SMS needs, by hand: no database."""
    goods = tuple(
        LineFacts(
            line_id=n, product_id=n, parent_id=None, title=f"Kaffeemühle mit Handkurbel {n}",
            quantity=1 + n % 2, max_quantity=100, is_available=True, price=Decimal("19.90"),
            currency="EUR", image_url=f"/media/images/products/{n}.jpg",
            product_path=f"/catalogue/kaffeemuehle_{n}/", options=(),
        )
        for n in range(lines)
    )  # fmt: skip
    return RenderRequest(
        channel=channel, address_kind="phone" if channel == "sms" else "email",
        template_code=TEMPLATE, language="de", basket=BasketFacts(1, "Open", None, goods, ()),
        restore_url=f"{BASE}/recovery/r/Zk3vQ9xWbT1c",
        unsubscribe_url=f"{BASE}/recovery/u/ce1.qwertzuiopasdfghjklyxc?l=de",
    )  # fmt: skip


def _as_django(source: str) -> str:
    source = source.replace('{{ "{" }}', "{").replace(
        "{% autoescape false %}", "{% autoescape off %}"
    )
    # Django's engine escapes links by itself
    source = source.replace('|replace("&", "&amp;")|safe', "")
    source = re.sub(r"\|shorten\((\d+)\)", r"|truncatechars:\1", source)

    def condition(found: re.Match[str]) -> str:
        return "{% if " + found[1].replace("(", "").replace(")", "") + " %}"

    source = re.sub(r"{% if (.*?) %}", condition, source)
    return source.replace("loop.last", "forloop.last")


def _check_same(subject: str, text: str, html: str) -> None:
    """Raises RuntimeError unless both engines write the same mail."""
    values = build_context(request(), language="de", base_url=BASE)
    ours = mail.CompiledMail(content()).render(values)
    with override("de"):
        theirs = [Template(part).render(Context(values)) for part in (subject, text, html)]
    for name, one, other in zip(
        ("subject", "text", "html"), (ours.subject, ours.text, ours.html), theirs, strict=True
    ):
        if _bare(one) != _bare(other):
            raise RuntimeError(f"The {name} of django-post_office's mail is not the same as ours")


def _bare(text: str) -> str:
    return "".join(unescape(text).split())
