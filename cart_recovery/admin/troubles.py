"""Checkouts that failed: each one, and above the list how many for which reason."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cart_recovery.admin.filters import PeriodFilter, choice_filter, period_filter
from cart_recovery.admin.links import admin_link_by_key
from cart_recovery.admin.lists import KeysetChangeList, ReadOnlyAdmin
from cart_recovery.admin.states import state_badge
from cart_recovery.models import CartState, CheckoutTrouble, LinkClick, TrackedCart, TroubleKind

#: what is counted where no period is chosen
RECENT: Final = dt.timedelta(days=30)
#: reasons that the summary names; of further ones it says how many
MOST: Final = 15


class TroubleList(KeysetChangeList):
    """Adds the sums by reason: one query over the period, whatever page of it shows."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        period: Any = next(s for s in self.filter_specs if isinstance(s, PeriodFilter))
        rows = period.queryset(request, CheckoutTrouble.objects.order_by())
        self.summary_of = _("in the chosen period")
        if not period.is_active:
            rows = rows.filter(occurred_at__gte=timezone.now() - RECENT)
            self.summary_of = _("in the last 30 days")
        reasons = list(
            rows.values("kind", "reason")
            .annotate(n=Count("pk"), bought=Count("pk", filter=_is_bought()))
            .order_by("-n", "kind", "reason")
        )
        labels = dict(TroubleKind.choices)
        self.summary = [{**row, "kind": labels[row["kind"]]} for row in reasons[:MOST]]
        self.summary_more = sum(row["n"] for row in reasons[MOST:])
        self.summary_total = sum(row["n"] for row in reasons)


def _is_bought() -> Q:
    """The cart was ordered, or the basket that a link of ours has filled with it elsewhere."""
    ordered = TrackedCart.objects.filter(state=CartState.ORDERED)
    clicks = LinkClick.objects.filter(
        link__cart=OuterRef("cart"), basket__in=ordered.values("basket")
    )
    return Q(cart__state=CartState.ORDERED) | Q(Exists(clicks))


@admin.register(CheckoutTrouble)
class CheckoutTroubleAdmin(ReadOnlyAdmin):
    change_list_template = "admin/cart_recovery/checkouttrouble/change_list.html"
    list_display = [
        "occurred_at", "kind", "reason", "stage", "cart_link", "cart_state", "contact_link",
    ]  # fmt: skip
    list_filter = [
        choice_filter("kind", gettext_lazy("kind"), TroubleKind.choices), period_filter("occurred_at"),
    ]  # fmt: skip
    lookups = ("cart", "contact")
    list_select_related = ["cart"]
    readonly_fields = [
        "occurred_at", "kind", "reason", "stage", "cart_link", "cart_state", "contact_link",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = ("pk", "occurred_at", "kind", "reason", "stage", "cart_id", "cart.state")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[TroubleList]:
        return TroubleList

    @admin.display(description=gettext_lazy("cart"))
    def cart_link(self, trouble: CheckoutTrouble) -> SafeString | str:
        title = _("Cart %(pk)s") % {"pk": trouble.cart_id}
        return admin_link_by_key("cart_recovery", "trackedcart", trouble.cart_id, title)

    @admin.display(description=gettext_lazy("what became of the cart"))
    def cart_state(self, trouble: CheckoutTrouble) -> SafeString | str:
        if trouble.cart is None:
            return "-"
        return state_badge("trackedcart", trouble.cart.state, trouble.cart.get_state_display())

    @admin.display(description=gettext_lazy("contact"))
    def contact_link(self, trouble: CheckoutTrouble) -> SafeString | str:
        title = _("Contact %(pk)s") % {"pk": trouble.contact_id}
        return admin_link_by_key("cart_recovery", "contact", trouble.contact_id, title)
