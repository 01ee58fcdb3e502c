"""What the browser would send for a campaign as it is stored, with changes."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse

from cart_recovery.models import Campaign

FIELD = re.compile(r"<(input|select|textarea)\b([^>]*)>")
VALUE = re.compile(r'\b(name|value|type)="([^"]*)"')


def page_url(campaign: Campaign, page: str = "change") -> str:
    return reverse(f"admin:cart_recovery_campaign_{page}", args=[campaign.pk])


def form_of(client: Client, campaign: Campaign, **changes: Any) -> dict[str, Any]:
    """The fields of the campaign's page, read from its HTML; None takes a field out."""
    html = client.get(page_url(campaign)).content.decode()
    html = html[html.index('id="campaign_form"') : html.index('<template id="cr-step-template"')]
    data: dict[str, Any] = {}
    for match in FIELD.finditer(html):
        found = dict(VALUE.findall(match[2])[::-1])
        name = found.get("name")
        if name is None or found.get("type") in ("submit", "checkbox"):
            continue
        if match[1] == "select":
            options = html[match.end() : html.index("</select>", match.end())]
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            data[name] = unescape(chosen[1]) if chosen else ""
        else:
            data[name] = unescape(found.get("value", ""))
    data.update(changes)
    return {name: value for name, value in data.items() if value is not None}
