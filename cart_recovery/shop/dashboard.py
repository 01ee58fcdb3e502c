"""An entry of Oscar's dashboard menu that leads to our pages in Django admin.

Imported by settings, so it imports nothing that needs them.
"""

from __future__ import annotations

from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

APP: Final = "cart_recovery"


def may_open(user: Any, url_name: str, url_args: Any = None, url_kwargs: Any = None) -> bool:
    """Whether the entry shows: for staff with any right on our pages, where there is an admin."""
    if not (user.is_active and user.is_staff and user.has_module_perms(APP)):
        return False
    try:
        reverse(url_name, args=url_args, kwargs=url_kwargs)
    except NoReverseMatch:
        return False
    return True


def order_url(number: str) -> str:
    """The order's page in Oscar's dashboard; "" where the shop has none."""
    try:
        return reverse("dashboard:order-detail", kwargs={"number": number})
    except NoReverseMatch:
        return ""


#: for OSCAR_DASHBOARD_NAVIGATION
MENU_ENTRY: Final[dict[str, Any]] = {
    "label": _("Cart recovery"),
    "icon": "fas fa-shopping-basket",
    "url_name": "admin:app_list",
    "url_kwargs": {"app_label": APP},
    "access_fn": may_open,
}
