"""Templates against the clock. Works in a worker."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.template import Context, engines

from benchmarks import peer
from cart_recovery.models import MessageTemplate
from cart_recovery.rendering.batches import render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.context import build_context


def render_mails(count: int) -> float:
    """Mails per second, each from its basket to subject, text and HTML."""
    content, request = peer.content(), peer.request()
    return _per_second(count, lambda: render_content(content, request, base=peer.BASE))


def render_short_messages(count: int) -> float:
    """SMS per second."""
    row = MessageTemplate.objects.get(code="abandoned-basket-2", channel="sms", language="de")
    content = Content(row.language, row.subject, row.preheader, row.html, row.text)
    request = peer.request("sms")
    return _per_second(count, lambda: render_content(content, request, base=peer.BASE))


def render_with_django(count: int) -> float:
    """The same mails per second by Django's engine, as django-post_office uses it on delivery."""
    parts = peer.django_template()
    values = build_context(peer.request(), language="de", base_url=peer.BASE)
    engine = engines.all()[0].engine  # type: ignore[attr-defined]  # Django's own backend

    def render() -> None:
        for part in parts:
            engine.from_string(part).render(Context(values))

    return _per_second(count, render)


def _per_second(count: int, render: Callable[[], object]) -> float:
    render()
    began = time.perf_counter()
    for _ in range(count):
        render()
    return count / (time.perf_counter() - began)
