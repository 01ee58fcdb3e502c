"""`{% load cart_recovery %}`: what a shop's templates and our own public pages need."""

from __future__ import annotations

from django import template
from django.urls import get_script_prefix

from cart_recovery.conf import conf

register = template.Library()


@register.simple_tag
def recovery_shop_name() -> str:
    """The shop's name as messages show it."""
    return conf.SHOP_NAME


@register.simple_tag
def recovery_shop_url() -> str:
    """The shop's front page on the host at hand."""
    return get_script_prefix()


@register.simple_tag
def recovery_imprint() -> str:
    """The legal footer, several lines, or ""."""
    return conf.IMPRINT
