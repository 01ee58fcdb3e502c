"""Errors of this app. A normal refusal is a verdict, not an exception.

Configuration errors stand outside `CartRecoveryError` on purpose: code that swallows what a single
message does wrong must never swallow what the shop has to repair.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured


class CartRecoveryError(Exception):
    """Base of everything that may go wrong with one cart, contact or message."""


class RenderingError(CartRecoveryError, ValueError):
    """A template cannot be rendered. `reason` is for staff, `line` counts from 1 (0: unknown)."""

    def __init__(self, reason: str, *, line: int = 0, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.field = field


class TooLongError(RenderingError):
    """An SMS takes more parts than the shop allows, however short its titles."""


class InvalidAddressError(CartRecoveryError, ValueError):
    """An e-mail address or phone number cannot be used. Carries no personal data."""


class NotMobileError(InvalidAddressError):
    """A phone number that exists and gets no SMS: a landline, a premium or toll-free number."""


class InvalidTokenError(CartRecoveryError, LookupError):
    """A token of a public link is unknown, tampered with or cut."""


class WebhookRefusedError(CartRecoveryError, PermissionError):
    """A webhook is not from the provider, or cannot be verified."""


class ChannelConfigurationError(ImproperlyConfigured):
    """A channel's path or options are wrong. The text spells the setting to write."""
