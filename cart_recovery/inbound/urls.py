from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.inbound.views import receive

# With and without a slash: a redirect would lose the body, and with it the report.
urlpatterns: list[URLPattern] = [
    path("hooks/<slug:channel>/<slug:kind>/", receive),
    path("hooks/<slug:channel>/<slug:kind>", receive, name="webhook"),
]
