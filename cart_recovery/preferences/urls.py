from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.preferences.accounts import AccountEraseView, AccountView
from cart_recovery.preferences.api import consent, wordings
from cart_recovery.preferences.capture_views import capture
from cart_recovery.preferences.centre import CentreView, EraseView

# With and without a slash: a redirect would lose what was sent.
urlpatterns: list[URLPattern] = [
    path("p/<str:token>/erase/", EraseView.as_view()),
    path("p/<str:token>/erase", EraseView.as_view(), name="preferences_erase"),
    path("p/<str:token>/", CentreView.as_view()),
    path("p/<str:token>", CentreView.as_view(), name="preferences"),
    path("p/", CentreView.as_view(), {"token": ""}),
    path("p", CentreView.as_view(), {"token": ""}),
    path("account/erase/", AccountEraseView.as_view(), name="account_erase"),
    path("account/", AccountView.as_view(), name="account"),
    path("capture/", capture),
    path("capture", capture, name="capture"),
    path("api/wordings/", wordings),
    path("api/wordings", wordings, name="api_wordings"),
    path("api/consent/", consent),
    path("api/consent", consent, name="api_consent"),
]
