from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.consent.views import ConfirmView, UnsubscribeView

# With and without a slash, and with the token cut off: none of these may answer by a redirect.
urlpatterns: list[URLPattern] = [
    path("u/<str:token>/", UnsubscribeView.as_view()),
    path("u/<str:token>", UnsubscribeView.as_view(), name="unsubscribe"),
    path("u/", UnsubscribeView.as_view(), {"token": ""}),
    path("c/<str:token>/", ConfirmView.as_view()),
    path("c/<str:token>", ConfirmView.as_view(), name="confirm"),
    path("u", UnsubscribeView.as_view(), {"token": ""}),
]
