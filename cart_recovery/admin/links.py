"""Links from one admin page to another."""

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


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
