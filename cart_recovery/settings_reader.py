"""Reading `CART_RECOVERY = {...}` of the project's settings. What there is to set: `conf`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class SettingsReader:
    """Reads the dict each time it is asked, and keeps nothing."""

    def known_keys(self) -> frozenset[str]:
        """Names of all settings, for the check that finds misspelled ones."""
        return frozenset(name for name in dir(type(self)) if name.isupper())

    def raw(self) -> Mapping[str, Any]:
        """The project's dict as written."""
        value = getattr(settings, "CART_RECOVERY", {})
        if not isinstance(value, dict):
            raise ImproperlyConfigured("CART_RECOVERY must be a dict: CART_RECOVERY = {...}")
        return value

    def _get(self, key: str, default: T, kind: type | tuple[type, ...]) -> T:
        value: T = self.raw().get(key, default)
        if not isinstance(value, kind):
            names = (
                kind.__name__ if isinstance(kind, type) else " or ".join(k.__name__ for k in kind)
            )
            raise ImproperlyConfigured(
                f'CART_RECOVERY["{key}"] must be a {names}, not {type(value).__name__}.'
            )
        return value
