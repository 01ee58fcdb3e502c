from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.db import router
from django.db.models.signals import post_migrate
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
        if installed_apps.is_installed("django_q"):
            from cart_recovery import signals, tasks
            from cart_recovery.health.queue import probe

            probe.look = tasks.queue_state
            signals.notice_planned.connect(
                tasks.hint_delivery, dispatch_uid="cart_recovery.hint_delivery"
            )
        post_migrate.connect(install, sender=self, dispatch_uid="cart_recovery.install")


def install(*, using: str, apps: Any = installed_apps, **kwargs: Any) -> None:
    """Create what a fresh database lacks: templates, wordings, campaigns (off), the schedule.

    Runs after each `migrate` and changes nothing that exists. `apps` is the state that the database
    has now: after `migrate cart_recovery zero` there is nothing to fill.
    """
    if not _has_table(apps, using, "cart_recovery", "Campaign"):
        return
    from cart_recovery.campaigns import defaults as campaigns
    from cart_recovery.consent import wordings
    from cart_recovery.rendering import defaults as templates

    templates.install_defaults()
    wordings.install_defaults()
    campaigns.install_defaults()
    if installed_apps.is_installed("django_q") and _has_table(apps, using, "django_q", "Schedule"):
        from cart_recovery.tasks import ensure_schedule

        ensure_schedule()


def _has_table(apps: Any, using: str, app_label: str, model_name: str) -> bool:
    try:
        model = apps.get_model(app_label, model_name)
    except LookupError:
        return False
    return bool(router.allow_migrate_model(using, model))
