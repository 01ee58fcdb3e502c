from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

oscar: Any = apps.get_app_config("oscar")
urlpatterns = [path("admin/", admin.site.urls), path("", include(oscar.urls[0]))]
if apps.is_installed("cart_recovery"):
    urlpatterns.insert(0, path("recovery/", include("cart_recovery.urls")))
