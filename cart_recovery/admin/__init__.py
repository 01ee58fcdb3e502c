"""Django admin, a module per screen."""

from cart_recovery.admin import campaigns, carts, contacts, messages, operations, templates

__all__ = ["campaigns", "carts", "contacts", "messages", "operations", "templates"]
