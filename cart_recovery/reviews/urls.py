from __future__ import annotations

from django.urls import URLPattern, path

from cart_recovery.reviews.views import ReviewView

# With and without a slash, cut short, and with something behind it: none may answer by a redirect,
# and each gets a page that says what is wrong.
urlpatterns: list[URLPattern] = [
    path("review/<path:token>", ReviewView.as_view(), name="review"),
    path("review/", ReviewView.as_view(), {"token": ""}),
    path("review", ReviewView.as_view(), {"token": ""}),
]
