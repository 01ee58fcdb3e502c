"""Links from one admin page to another."""

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cart_recovery.models import Enrolment
from cart_recovery.shop.dashboard import order_url


def admin_link(row: Model | None) -> SafeString | str:
    """A link to the row's admin page; its name alone where the shop has none; "-" for nothing."""
    if row is None:
        return "-"
    return admin_link_by_key(row._meta.app_label, row._meta.model_name or "", row.pk, str(row))


def admin_link_by_key(app_label: str, model_name: str, key: object, title: str) -> SafeString | str:
    """The same without loading the row."""
    if key is None:
        return "-"
    try:
        url = reverse(f"admin:{app_label}_{model_name}_change", args=[quote(str(key))])
    except NoReverseMatch:
        return title
    return format_html('<a href="{}">{}</a>', url, title)


def subject_link(enrolment: Enrolment) -> SafeString | str:
    """What an enrolment is about: its cart here, or its order in the shop's dashboard. Needs
    `order__order` loaded."""
    if enrolment.order is None:
        title = _("Cart %(pk)s") % {"pk": enrolment.cart_id}
        return admin_link_by_key("cart_recovery", "trackedcart", enrolment.cart_id, title)
    order = enrolment.order.order
    if order is None:
        return "-"
    title = _("Order %(number)s") % {"number": order.number}
    url = order_url(order.number)
    return format_html('<a href="{}">{}</a>', url, title) if url else title
