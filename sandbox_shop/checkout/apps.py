from __future__ import annotations

from typing import Any

from django.urls import path
from oscar.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):  # type: ignore[misc] # Oscar has no types
    name = "sandbox_shop.checkout"

    def get_urls(self) -> list[Any]:
        from sandbox_shop.checkout.paying import PayView  # needs the models

        own = [path("pay/<str:token>/", PayView.as_view(), name="pay")]
        return [*super().get_urls(), *self.post_process_urls(own)]
