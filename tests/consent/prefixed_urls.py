"""The test project with all shop pages under a language prefix, the German one included."""

from __future__ import annotations

from django.apps import apps
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = [
    *i18n_patterns(
        path("recovery/", include("cart_recovery.urls")),
        path("", include(apps.get_app_config("oscar").urls[0])),
    )
]
