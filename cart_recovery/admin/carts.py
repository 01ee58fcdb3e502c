"""Tracked carts: who left what behind, and what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.filters import LanguageFilter, choice_filter, period_filter
from cart_recovery.admin.followups import EnrolmentAdmin
from cart_recovery.admin.links import admin_link_by_key
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.persons import PersonSearchAdmin
from cart_recovery.admin.states import state_badge
from cart_recovery.admin.stories import StoryAdmin
from cart_recovery.models import CartStage, CartState, Enrolment, ExclusionReason, TrackedCart
from cart_recovery.shop.money import price_text
from cart_recovery.stories import scopes
from cart_recovery.stories.finding import MAX_KEY


class EnrolmentInline(AnyTabularInline):
    model = Enrolment
    extra = 0
    can_delete = False
    readonly_fields = ["campaign", "state_label", "why", "clock_at", "ended_at"]
    fields = [*readonly_fields]
    show_change_link = True

    state_label = EnrolmentAdmin.state_label
    why = EnrolmentAdmin.why

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TrackedCart)
class TrackedCartAdmin(StoryAdmin, PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "state_label", "last_activity_at", "stage", "line_count", "amount", "contact_link",
        "basket_link", "order_link",
    ]  # fmt: skip
    list_filter = [
        choice_filter("state", _("state"), CartState.choices), period_filter("abandoned_at"),
        choice_filter("stage", _("stage"), CartStage.choices),
        choice_filter("state_reason", _("reason"), ExclusionReason.choices), LanguageFilter,
        choice_filter("is_machine", _("made by a machine"), [("0", _("no")), ("1", _("yes"))]),
    ]  # fmt: skip
    lookups = ("contact",)
    search_help_text = _("Number of the basket, or a whole e-mail address or phone number.")
    readonly_fields = [
        "basket_link", "contact_link", "order_link", "state_label", "state_reason", "stage",
        "language", "is_machine", "line_count", "amount", "created_at", "last_activity_at",
        "abandoned_at", "closed_at",
    ]  # fmt: skip
    fields = [*readonly_fields]
    inlines = [EnrolmentInline]
    csv_fields = (
        "pk", "basket_id", "contact_id", "state", "state_reason", "stage", "language", "is_machine",
        "line_count", "total", "currency", "created_at", "last_activity_at", "abandoned_at",
        "closed_at", "order_id",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the number of the basket, else by whose cart it is."""
        term = search_term.strip().removeprefix("#")
        if term.isascii() and term.isdigit() and not term.startswith("0") and len(term) < 12:
            return queryset.filter(basket=min(int(term), MAX_KEY)), False
        return super().get_search_results(request, queryset, search_term)

    def scope_of(self, row: Any) -> scopes.Scope:
        return scopes.of_cart(row)

    @admin.display(description=_("basket"))
    def basket_link(self, cart: TrackedCart) -> SafeString | str:
        return admin_link_by_key("basket", "basket", cart.basket_id, str(cart.basket_id))

    @admin.display(description=_("contact"))
    def contact_link(self, cart: TrackedCart) -> SafeString | str:
        title = _("Contact %(pk)s") % {"pk": cart.contact_id}
        return admin_link_by_key("cart_recovery", "contact", cart.contact_id, title)

    @admin.display(description=_("order"))
    def order_link(self, cart: TrackedCart) -> SafeString | str:
        return admin_link_by_key("order", "order", cart.order_id, str(cart.order_id))

    @admin.display(description=_("total"))
    def amount(self, cart: TrackedCart) -> str:
        return price_text(cart.total, cart.currency) if cart.total is not None else "-"

    @admin.display(description=_("state"))
    def state_label(self, cart: TrackedCart) -> SafeString:
        return state_badge("trackedcart", cart.state, cart.get_state_display())
