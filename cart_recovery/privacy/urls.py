from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.privacy.views import DataView

# with and without a slash, and with the token cut off: each gets a page that says what is wrong
urlpatterns: list[URLPattern] = [
    path("d/<str:token>/", DataView.as_view()),
    path("d/<str:token>", DataView.as_view(), name="data"),
    path("d/", DataView.as_view(), {"token": ""}),
    path("d", DataView.as_view(), {"token": ""}),
]
