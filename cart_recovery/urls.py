"""All public URLs. A shop adds one line: `path("recovery/", include("cart_recovery.urls"))`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from cart_recovery.consent import urls as consent_urls
from cart_recovery.health import urls as health_urls
from cart_recovery.inbound import urls as inbound_urls
from cart_recovery.preferences import urls as preferences_urls
from cart_recovery.privacy import urls as privacy_urls
from cart_recovery.restore_links import urls as restore_urls
from cart_recovery.reviews import urls as review_urls

app_name = "cart_recovery"

urlpatterns: list[URLPattern | URLResolver] = [
    *consent_urls.urlpatterns,
    *health_urls.urlpatterns,
    *inbound_urls.urlpatterns,
    *preferences_urls.urlpatterns,
    *privacy_urls.urlpatterns,
    *restore_urls.urlpatterns,
    *review_urls.urlpatterns,
]
