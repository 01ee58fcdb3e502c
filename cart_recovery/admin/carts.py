"""Tracked carts with their way through the campaigns."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.links import admin_link_by_key
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.reasons import choice_label
from cart_recovery.models import Enrolment, FollowUp, TrackedCart
from cart_recovery.shop.money import price_text


class EnrolmentInline(AnyTabularInline):
    model = Enrolment
    extra = 0
    can_delete = False
    readonly_fields = ["campaign", "state", "reason", "clock_at", "ended_at"]
    fields = [*readonly_fields]
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TrackedCart)
class TrackedCartAdmin(ReadOnlyAdmin):
    list_display = [
        "pk", "basket_link", "contact_link", "state", "stage", "line_count", "amount",
        "last_activity_at", "order_link",
    ]  # fmt: skip
    list_filter = ["state", "stage", "language", "is_machine"]
    search_fields = ["=basket__id", "contact__email_key__startswith"]
    search_help_text = _("Number of the basket, or how the e-mail address begins.")
    readonly_fields = [
        "basket_link", "contact_link", "order_link", "state", "state_reason", "stage", "language",
        "is_machine", "line_count", "amount", "created_at", "last_activity_at", "abandoned_at",
        "closed_at",
    ]  # fmt: skip
    fields = [*readonly_fields]
    inlines = [EnrolmentInline]

    @admin.display(description=_("basket"), ordering="basket")
    def basket_link(self, cart: TrackedCart) -> SafeString | str:
        return admin_link_by_key("basket", "basket", cart.basket_id, str(cart.basket_id))

    @admin.display(description=_("contact"))
    def contact_link(self, cart: TrackedCart) -> SafeString | str:
        title = _("Contact %(pk)s") % {"pk": cart.contact_id}
        return admin_link_by_key("cart_recovery", "contact", cart.contact_id, title)

    @admin.display(description=_("order"))
    def order_link(self, cart: TrackedCart) -> SafeString | str:
        return admin_link_by_key("order", "order", cart.order_id, str(cart.order_id))

    @admin.display(description=_("total"), ordering="total")
    def amount(self, cart: TrackedCart) -> str:
        return price_text(cart.total, cart.currency) if cart.total is not None else "-"


class FollowUpInline(AnyTabularInline):
    model = FollowUp
    extra = 0
    can_delete = False
    readonly_fields = ["step", "state", "reason", "choice", "due_at", "ended_at"]
    fields = [*readonly_fields]
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("step")

    @admin.display(description=_("choice of the channel"))
    def choice(self, followup: FollowUp) -> str:
        return choice_label(followup.choice_reason)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ["pk", "campaign", "contact", "cart", "state", "reason", "enrolled_at"]
    list_filter = ["state", "campaign"]
    list_select_related = ["campaign", "contact", "cart"]
    inlines = [FollowUpInline]
