"""System checks, one module per subject. Ids are stable: `cart_recovery.E001` …"""

from __future__ import annotations


def register() -> None:
    """Register all checks with Django."""
