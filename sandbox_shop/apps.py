from __future__ import annotations

from django.apps import AppConfig


class SandboxShopConfig(AppConfig):
    name = "sandbox_shop"
    verbose_name = "Sandbox shop"
