"""All public URLs. A shop adds one line: `path("recovery/", include("cart_recovery.urls"))`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "cart_recovery"

urlpatterns: list[URLPattern | URLResolver] = []
