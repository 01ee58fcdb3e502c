"""`{% load recovery_health %}`: the banner on the admin's pages when messages may not go out."""

from __future__ import annotations

import logging
from typing import Any

from django import template
from django.template.context import Context

from cart_recovery.admin.access import SEE_HEALTH
from cart_recovery.health.examining import current_quickly
from cart_recovery.health.wording import tell

logger = logging.getLogger(__name__)
register = template.Library()


@register.inclusion_tag("admin/cart_recovery/health_banner.html", takes_context=True)
def recovery_health_banner(context: Context) -> dict[str, Any]:
    """What has to be repaired, for who may see it; nothing where that cannot be told."""
    request = context.get("request")
    if context.get("is_popup") or request is None:
        return {}
    try:
        if not request.user.has_perm(SEE_HEALTH):
            return {}
        return {"told": [tell(finding) for finding in current_quickly().failing]}
    except Exception:
        # a banner must not cost the page that it stands on
        logger.exception("The banner of the health could not be made")
        return {}
