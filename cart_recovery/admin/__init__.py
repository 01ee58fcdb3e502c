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
    ratings,
    reviews,
    suppressions,
    templates,
    troubles,
)

__all__ = [
    "campaigns", "carts", "contacts", "figures", "followups", "messages", "operations", "opt_ins",
    "ratings", "reviews", "suppressions", "templates", "troubles",
]  # fmt: skip
