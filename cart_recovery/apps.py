from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CartRecoveryConfig(AppConfig):
    name = "cart_recovery"
    label = "cart_recovery"
    verbose_name = _("Cart recovery")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cart_recovery import checks, receivers

        checks.register()
        receivers.connect()
