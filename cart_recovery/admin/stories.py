"""The "why (not)?" page of a cart, a contact, an order or an address, and its search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from cart_recovery.admin.access import SEE_STORIES, may_see_persons
from cart_recovery.admin.pages import PagesAdmin, url_name
from cart_recovery.admin.states import badge
from cart_recovery.shop.orders import order_facts
from cart_recovery.stories import scopes
from cart_recovery.stories.exporting import as_json
from cart_recovery.stories.facts import Fact, Story
from cart_recovery.stories.finding import Found, find
from cart_recovery.stories.sentences import sentence, tone
from cart_recovery.stories.telling import tell, tell_address
from cart_recovery.stories.verdicts import ProspectText, prospect_text
from cart_recovery.stories.words import Reader

_TONES = {"pass": "good", "wait": "wait", "skip": "bad"}


class StoryAdmin(PagesAdmin):
    """A screen whose rows have a story."""

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        self.pages = (
            ("<int:key>/why/", "why_view", SEE_STORIES),
            ("<int:key>/why.json", "why_json_view", SEE_STORIES),
            *self.pages,
        )

    def scope_of(self, row: Any) -> scopes.Scope:
        """Whose story a row's page tells. Each screen says."""
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "may_tell": request.user.has_perm(SEE_STORIES)}
        return super().change_view(request, object_id, form_url, context)

    def why_view(self, request: HttpRequest, key: int) -> HttpResponse:
        row = self.row(key)
        return self.story_page(
            request, tell(self.scope_of(row), timezone.now()), original=row,
            title=_("Why (not)? %(what)s") % {"what": row},
            json_link=reverse(f"admin:{url_name(self, 'why_json')}", args=[key]),
        )  # fmt: skip

    def why_json_view(self, request: HttpRequest, key: int) -> HttpResponse:
        return story_json(request, self.scope_of(self.row(key)))

    def story_page(
        self, request: HttpRequest, story: Story, *, title: str, original: Any = None,
        json_link: str = "",
    ) -> HttpResponse:  # fmt: skip
        reader = Reader(may_see_persons(request))
        return self.page(
            request, "story.html", title=title, original=original, story=story,
            facts=[_line(fact, reader) for fact in story.facts],
            reasons=[_line(fact, reader) for fact in story.reasons],
            prospects=[_prospect(prospect_text(p)) for p in story.prospects],
            zone=timezone.get_current_timezone_name(), sees_persons=reader.sees_persons,
            newest=scopes.NEWEST, json_link=json_link,
        )  # fmt: skip


class StorySearchAdmin(StoryAdmin):
    """The one search box, and stories of orders: they are the shop's rows and have no screen here."""

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        self.pages = (
            ("why/", "search_view", SEE_STORIES),
            ("order/<int:key>/why/", "order_view", SEE_STORIES),
            ("order/<int:key>/why.json", "order_json_view", SEE_STORIES),
            *self.pages,
        )

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """What is looked for comes by POST, so that no address stands in a URL or a log."""
        term = request.POST.get("term", "").strip() if request.method == "POST" else ""
        found = find(term) if term else None
        if found is not None and found.found:
            if len(found.found) == 1:
                return SeeOther(story_url(found.found[0]))
            return self._search_page(request, term, found.found)
        if found is not None and found.digests:
            story = tell_address(list(found.digests))
            if story.facts:
                return self.story_page(
                    request, story, title=_("Why (not)? An address that no contact has")
                )
        return self._search_page(request, term, ())

    def _search_page(self, request: HttpRequest, term: str, found: Sequence[Found]) -> HttpResponse:
        choices = [{"url": story_url(f), "title": _title(f)} for f in found]
        return self.page(
            request, "search.html", title=_("Why (not)?"), term=term[:254], choices=choices
        )

    def order_view(self, request: HttpRequest, key: int) -> HttpResponse:
        order = order_facts(key)
        scope = scopes.of_order(key)
        if order is None or scope is None:
            raise Http404
        return self.story_page(
            request, tell(scope, timezone.now()),
            title=_("Why (not)? Order %(number)s") % {"number": order.number},
            json_link=reverse(f"admin:{url_name(self, 'order_json')}", args=[key]),
        )  # fmt: skip

    def order_json_view(self, request: HttpRequest, key: int) -> HttpResponse:
        scope = scopes.of_order(key)
        if scope is None:
            raise Http404
        return story_json(request, scope)


def story_json(request: HttpRequest, scope: scopes.Scope) -> HttpResponse:
    reader = Reader(may_see_persons(request))
    return JsonResponse(as_json(tell(scope, timezone.now()), reader))


def story_url(found: Found) -> str:
    names = {"order": "followup_order", "cart": "trackedcart_why", "contact": "contact_why"}
    return reverse(f"admin:cart_recovery_{names[found.kind]}", args=[found.key])


class SeeOther(HttpResponseRedirect):
    """The browser forgets the POST, and with it the address."""

    status_code = 303


def _title(found: Found) -> str:
    titles = {
        "order": _("Order with this number"),
        "cart": _("Cart of the basket with this number"),
        "contact": _("Contact with this address"),
    }
    return titles[found.kind]


def _line(fact: Fact, reader: Reader) -> dict[str, Any]:
    return {
        "at": timezone.localtime(fact.at) if fact.at is not None else None,
        "text": sentence(fact, reader),
        "icon": badge(tone(fact), ""),
        "url": _row_url(fact.about),
    }


def _prospect(text: ProspectText) -> dict[str, Any]:
    return {
        "text": text,
        "badge": badge(_TONES[text.outcome], text.summary),
        "lines": [
            {"question": line.question, "decides": line.decides,
             "badge": badge(_TONES[line.outcome], line.answer)}
            for line in text.lines
        ],
    }  # fmt: skip


def _row_url(about: tuple[str, int] | None) -> str:
    if about is None:
        return ""
    model_name, key = about
    label = "order" if model_name == "order" else "cart_recovery"
    try:
        return reverse(f"admin:{label}_{model_name}_change", args=[key])
    except NoReverseMatch:
        return ""
