from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.restore_links.views import RestoreView

# With and without a slash, cut short, and with something behind it: none may answer by a redirect,
# and each gets a page that says what is wrong.
urlpatterns: list[URLPattern] = [
    path("r/<path:token>", RestoreView.as_view(), name="restore"),
    path("r/", RestoreView.as_view(), {"token": ""}),
    path("r", RestoreView.as_view(), {"token": ""}),
]
