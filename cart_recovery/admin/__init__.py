"""Django admin, a module per screen."""

from cart_recovery.admin import (
    campaigns,
    carts,
    contacts,
    figures,
    followups,
    messages,
    operations,
    opt_ins,
    suppressions,
    templates,
)

__all__ = [
    "campaigns", "carts", "contacts", "figures", "followups", "messages", "operations", "opt_ins",
    "suppressions", "templates",
]  # fmt: skip
