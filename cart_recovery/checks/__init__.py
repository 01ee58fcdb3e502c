"""System checks, one module per subject. Ids are stable: `cart_recovery.E001` …"""

from __future__ import annotations

from django.core import checks

from cart_recovery.checks.channels import check_channels
from cart_recovery.checks.consent import check_consent
from cart_recovery.checks.health import check_health
from cart_recovery.checks.orders import check_event_types, check_orders
from cart_recovery.checks.project import check_project
from cart_recovery.checks.queue import check_queue
from cart_recovery.checks.sending_times import check_sending_times


def register() -> None:
    """Register all checks with Django."""
    checks.register(check_channels)
    checks.register(check_consent)
    checks.register(check_health, checks.Tags.database)
    checks.register(check_orders)
    checks.register(check_project)
    checks.register(check_queue)
    checks.register(check_sending_times)
    checks.register(check_event_types, checks.Tags.database)
