"""Who may do what in admin: the names of permissions, and how addresses show to whom."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from cart_recovery.contacts.masking import masked

#: names, addresses and numbers in full; without it they show masked
SEE_PERSONS: Final = "cart_recovery.see_personal_data"
EXPORT: Final = "cart_recovery.export_contact"
ERASE: Final = "cart_recovery.erase_contact"
LIFT: Final = "cart_recovery.lift_suppression"
SEE_CAMPAIGNS: Final = "cart_recovery.view_campaign"
ADD_CAMPAIGNS: Final = "cart_recovery.add_campaign"
#: switching campaigns on and off
ACTIVATE: Final = "cart_recovery.activate_campaign"
CANCEL: Final = "cart_recovery.change_followup"
RETRY: Final = "cart_recovery.change_message"
RESUME: Final = "cart_recovery.change_channelstatus"
EDIT_TEMPLATES: Final = "cart_recovery.change_messagetemplate"
SEE_REPORTS: Final = "cart_recovery.view_dailyfigure"
SEE_REVIEWS: Final = "cart_recovery.view_linereview"
CLOSE_TASKS: Final = "cart_recovery.change_stafftask"
SEE_STORIES: Final = "cart_recovery.view_followup"
SEE_HEALTH: Final = "cart_recovery.view_heartbeat"


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied (403) for who lacks it."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def may_see_persons(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(SEE_PERSONS))


def shown_address(request: HttpRequest, address_kind: str, address: str) -> str:
    """The address as this reader may see it: in full or masked; "" for none."""
    return address if may_see_persons(request) else masked(address_kind, address)
