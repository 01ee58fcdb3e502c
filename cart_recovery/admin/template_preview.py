"""Looking at a template before it is saved: the result, its mistakes, and a test to oneself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cart_recovery.admin.access import EDIT_TEMPLATES, may_see_persons, shown_address
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.admin.template_forms import PreviewForm, Problem, problem_of
from cart_recovery.conf import conf
from cart_recovery.delivery.testing import TestRefusedError, send_test, setting_of
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import TemplateSubject
from cart_recovery.rendering.batches import PHONE, render_content
from cart_recovery.rendering.cart_previews import RecentCart, recent_carts
from cart_recovery.rendering.measuring import measure_mail, measure_sms
from cart_recovery.rendering.order_previews import RecentOrder, recent_orders
from cart_recovery.rendering.previews import TEST_MARK, TestText, preview_request
from cart_recovery.rendering.requests import Rendered
from cart_recovery.shop.site import base_url

#: nothing in the mail is executed, sent or loaded but pictures. The shop's own policy, which admin
#: pages may have, would refuse the styles that a mail lives by: hence a document of its own
FRAME_POLICY: Final = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_DARK: Final = "@media (prefers-color-scheme: dark)"
_SCHEMES: Final = ":root { color-scheme: light dark; supported-color-schemes: light dark; }"


@dataclass(slots=True)
class Look:
    """What a typed template comes to."""

    form: PreviewForm
    problems: list[Problem] = field(default_factory=list)
    rendered: Rendered | None = None
    #: what became of a test send
    note: str = ""
    is_refused: bool = False

    @property
    def channel(self) -> str:
        return str(self.form.cleaned_data["channel"])

    @property
    def is_dark(self) -> bool:
        return self.form.cleaned_data.get("preview_scheme") == "dark"

    @property
    def document(self) -> str:
        return document_of(self.rendered.html, dark=self.is_dark) if self.rendered else ""

    @property
    def figures(self) -> Any:
        if self.rendered is None:
            return None
        is_phone = self.form.used_channel.address_kind == PHONE
        return (measure_sms if is_phone else measure_mail)(self.rendered, self.channel)


class PreviewPages(PagesAdmin):
    """Pages that show what is typed. All by POST: a text may be long, and is nobody else's."""

    preview_pages = (
        ("preview/", "preview_view", EDIT_TEMPLATES),
        ("preview/frame/", "preview_frame_view", EDIT_TEMPLATES),
        ("test/", "send_test_view", EDIT_TEMPLATES),
    )

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The result, or the mistakes: JSON for the editor's script, a page for readers without."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return self._answer(request, self._look(request))

    def preview_frame_view(self, request: HttpRequest) -> HttpResponse:
        """The mail itself, for a frame without rights."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        look = self._look(request)
        response = HttpResponse(look.document, status=200 if look.rendered else 422)
        response.headers["Content-Security-Policy"] = (
            f"{FRAME_POLICY}; frame-ancestors 'self'; sandbox"
        )
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    def send_test_view(self, request: HttpRequest) -> HttpResponse:
        """A test to the reader's own address, and to no other."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        look = self._look(request)
        if look.rendered is None:
            look.note, look.is_refused = _("Mend the mistakes first, then send the test."), True
        else:
            self._send(request, look)
        return self._answer(request, look)

    def _send(self, request: HttpRequest, look: Look) -> None:
        content, data = look.form.content(), look.form.cleaned_data["preview_data"]
        kept = TestText(
            content, data, shows_persons=may_see_persons(request),
            may_advertise=look.form.may_advertise(),
        )  # fmt: skip
        try:
            address, _rendered = send_test(request.user, kept, channel=look.channel)
        except (TestRefusedError, RenderingError) as error:
            look.note, look.is_refused = error.reason, True
            return
        look.note = _(
            "On its way to %(address)s, marked with “%(mark)s”. Its links lead nowhere, and it counts "
            "in no report."
        ) % {"address": address, "mark": TEST_MARK.strip()}

    def _look(self, request: HttpRequest) -> Look:
        form = PreviewForm(request.POST)
        look = Look(form, problems=form.problems())
        if not look.problems:
            setting = setting_of(
                form.used_channel, form.cleaned_data["language"], may_see_persons(request),
                may_advertise=form.may_advertise(),
            )  # fmt: skip
            try:
                content = form.content()
                wanted = preview_request(form.cleaned_data["preview_data"], setting, content.about)
                look.rendered = render_content(content, wanted, base=base_url())
            except RenderingError as error:
                look.problems = [problem_of(error)]
        return look

    def _answer(self, request: HttpRequest, look: Look) -> HttpResponse:
        context = _context(look)
        if "application/json" not in request.headers.get("Accept", ""):
            return self.page(
                request, "messagetemplate/preview.html", title=_("Preview"), look=look,
                policy=FRAME_POLICY, **context,
            )  # fmt: skip
        rendered = look.rendered
        return JsonResponse(
            {
                "problems": [dataclasses.asdict(problem) for problem in look.problems],
                "note": look.note,
                "is_refused": look.is_refused,
                "is_mail": bool(rendered and rendered.html),
                **{
                    name: getattr(rendered, name, "")
                    for name in ("subject", "preheader", "html", "text")
                },
                "result": render_to_string(
                    "admin/cart_recovery/messagetemplate/result.html", context, request
                )
                if rendered
                else "",
            }
        )

    def row_choices(self, request: HttpRequest, about: str) -> list[tuple[str, str]]:
        """The carts or orders that a template can be looked at with: key and words."""
        if about == TemplateSubject.ORDER:
            return [(found.key, _order_label(request, found)) for found in recent_orders()]
        return [(found.key, _cart_label(request, found)) for found in recent_carts()]


def document_of(html: str, *, dark: bool) -> str:
    """The mail for the frame, in the colors asked for whatever the reader's own are, and with links
    that stay where they are: a frame without rights may open no window."""
    html = html.replace(_DARK, "@media all" if dark else "@media not all")
    html = html.replace(_SCHEMES, f":root {{ color-scheme: {'dark' if dark else 'light'}; }}")
    return html.replace("<head>", '<head><base target="_blank">', 1)


def _context(look: Look) -> dict[str, Any]:
    name, address = parseaddr(conf.FROM_EMAIL)
    return {
        "rendered": look.rendered, "figures": look.figures, "sender": name or address,
        "is_phone": look.rendered is not None and not look.rendered.html,
    }  # fmt: skip


def _cart_label(request: HttpRequest, found: RecentCart) -> str:
    contact = found.cart.contact
    address = ""
    if contact is not None:
        kind = "email" if contact.email else PHONE
        address = shown_address(request, kind, contact.address_for(kind))
    return ngettext(
        "Basket %(basket)s, %(who)s, %(n)s product",
        "Basket %(basket)s, %(who)s, %(n)s products",
        found.lines,
    ) % {"basket": found.cart.basket_id, "who": address or _("unknown"), "n": found.lines}


def _order_label(request: HttpRequest, found: RecentOrder) -> str:
    order = found.order
    address = shown_address(request, "email", order.email) if order.email else ""
    return ngettext(
        "Order %(number)s, %(who)s, %(n)s product",
        "Order %(number)s, %(who)s, %(n)s products",
        found.lines,
    ) % {"number": order.number, "who": address or _("unknown"), "n": found.lines}
