"""Many messages at once: one query for their templates, each template compiled once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError, TooLongError
from cart_recovery.models import MessageTemplate, TemplateSubject
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.context import Context, build_context
from cart_recovery.rendering.mail import CompiledMail, compile_mail
from cart_recovery.rendering.requests import OrderView, Rendered, RenderRequest
from cart_recovery.rendering.short_messages import CompiledShortMessage, compile_short_message
from cart_recovery.shop.site import base_url

logger = logging.getLogger(__name__)

PHONE: Final = "phone"
Compiled = CompiledMail | CompiledShortMessage
#: (code, channel) -> language -> content
Templates = Mapping[tuple[str, str], Mapping[str, Content]]


def render_batch(requests: Sequence[RenderRequest]) -> list[Rendered | RenderingError]:
    """The messages in the order of the requests; what cannot be rendered fails alone.

    One query for the templates of all, and one for the Site where PUBLIC_BASE_URL is not set.
    """
    if not requests:
        return []
    renderer = _Renderer(_load(requests), base_url())
    return [renderer.render(request) for request in requests]


def render_content(content: Content, request: RenderRequest, *, base: str) -> Rendered:
    """One message from a template that need not be in the database, for checks and previews."""
    compiled = compile_content(content, request.address_kind)
    return _run(compiled, request, base)


def compile_content(content: Content, address_kind: str) -> Compiled:
    """The compiled template, from a cache where it is there. Raises RenderingError."""
    return compile_short_message(content) if address_kind == PHONE else compile_mail(content)


class _Renderer:
    def __init__(self, templates: Templates, base: str) -> None:
        self._templates = templates
        self._base = base
        # within a batch errors are kept too: a broken template is not compiled for each request
        self._compiled: dict[tuple[Content, str], Compiled | RenderingError] = {}

    def render(self, request: RenderRequest) -> Rendered | RenderingError:
        try:
            return _run(self._compile(request), request, self._base)
        except RenderingError as error:
            return error
        except Exception:
            # whatever it is, it must not keep the other messages from going out
            logger.exception(
                "Rendering failed: template %s, channel %s", request.template_code, request.channel
            )
            return RenderingError(_("The template cannot be rendered."))

    def _compile(self, request: RenderRequest) -> Compiled:
        content = self._content(request)
        key = (content, request.address_kind)
        if key not in self._compiled:
            try:
                self._compiled[key] = compile_content(*key)
            except RenderingError as error:
                self._compiled[key] = error
        compiled = self._compiled[key]
        if isinstance(compiled, RenderingError):
            raise RenderingError(compiled.reason, line=compiled.line, field=compiled.field)
        return compiled

    def _content(self, request: RenderRequest) -> Content:
        by_language = self._templates.get((request.template_code, request.channel), {})
        for language in fallbacks(request.language):
            if language in by_language:
                return by_language[language]
        raise RenderingError(
            _("There is no template “%(code)s” for the channel “%(channel)s”.")
            % {"code": request.template_code, "channel": request.channel}
        )


def _run(compiled: Compiled, request: RenderRequest, base: str) -> Rendered:
    if compiled.about != request.about:
        raise RenderingError(
            _("The template is about %(template)s, and the message about %(message)s.")
            % {
                "template": TemplateSubject(compiled.about).label, "message": request.about.label,
            },
            field="about",
        )  # fmt: skip
    language = _format_language(request.language, compiled.language)
    if isinstance(compiled, CompiledMail):
        return compiled.render(build_context(request, language=language, base_url=base))
    try:
        return _run_short(compiled, request, language, base)
    except TooLongError:
        if request.order is None:
            raise
        # better news of an order without its link than none: some providers' links fill an SMS
        shorter = replace(request, order=_without_foreign_links(request.order, base))
        return _run_short(compiled, shorter, language, base)


def _run_short(
    compiled: CompiledShortMessage, request: RenderRequest, language: str, base: str
) -> Rendered:
    def build(limit: int, is_plain: bool) -> Context:
        return build_context(
            request, language=language, base_url=base, title_limit=limit, plain_titles=is_plain
        )

    return compiled.render(build)


def _without_foreign_links(order: OrderView, base: str) -> OrderView:
    """Without those to parcel and payment; the message leads to the order or to the shop instead."""
    own = order.action_url not in (order.tracking_url, order.payment_url)
    return replace(
        order, tracking_url="", payment_url="",
        action_url=order.action_url if own else order.order_url or f"{base}/",
    )  # fmt: skip


def _load(requests: Iterable[RenderRequest]) -> Templates:
    codes = {request.template_code for request in requests}
    channels = {request.channel for request in requests}
    rows = MessageTemplate.objects.filter(code__in=codes, channel__in=channels).values_list(
        "code", "channel", "language", "subject", "preheader", "html", "text", "about"
    )
    templates: dict[tuple[str, str], dict[str, Content]] = {}
    for code, channel, language, *texts in rows:
        content = Content(language, *texts)
        templates.setdefault((code, channel), {})[normalized(language)] = content
    return templates


def normalized(language: str) -> str:
    """`de_AT` and `DE-at` as Django writes it: `de-at`."""
    return language.replace("_", "-").lower()


def fallbacks(language: str) -> Iterator[str]:
    """Languages to look for, best first: `de-at`, `de`, then the shop's in their order."""
    wanted = normalized(language)
    yield wanted
    yield wanted.partition("-")[0]
    for other in conf.LANGUAGES:
        yield normalized(other)


def _format_language(wanted: str, written: str) -> str:
    """Numbers are written as the reader's region does if the text is in the reader's language."""
    wanted, written = normalized(wanted), normalized(written)
    return wanted if wanted.partition("-")[0] == written.partition("-")[0] else written
