from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.health import views

urlpatterns: list[URLPattern] = [path("health/", views.health, name="health")]
