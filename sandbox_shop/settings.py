"""A plain Oscar shop with cart_recovery added the way the README says.

Variables of the environment that choose real parts are listed in `sandbox_shop.environment`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from oscar.defaults import *  # noqa: F403  Oscar's documented way to take its defaults
from oscar.defaults import OSCAR_DASHBOARD_NAVIGATION

from cart_recovery.shop.dashboard import MENU_ENTRY
from sandbox_shop import keys
from sandbox_shop.environment import current

ENVIRONMENT = current()
VAR = ENVIRONMENT.var
VAR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = keys.secret(VAR, "secret_key")
DEBUG = ENVIRONMENT.get("SANDBOX_DEBUG") == "1"
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.shop_url]
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1
ROOT_URLCONF = "sandbox_shop.urls"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR / "media"

DATABASES = {"default": ENVIRONMENT.database()}

INSTALLED_APPS = [
    # first: its templates stand before the admin's and Oscar's
    "sandbox_shop",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sites",
    "django.contrib.flatpages",
    "oscar.config.Shop",
    "oscar.apps.analytics.apps.AnalyticsConfig",
    # forked as Oscar's documentation says, for a payment that can be declined
    "sandbox_shop.checkout.apps.CheckoutConfig",
    "oscar.apps.address.apps.AddressConfig",
    "oscar.apps.shipping.apps.ShippingConfig",
    "oscar.apps.catalogue.apps.CatalogueConfig",
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.communication.apps.CommunicationConfig",
    "oscar.apps.partner.apps.PartnerConfig",
    "oscar.apps.basket.apps.BasketConfig",
    "oscar.apps.payment.apps.PaymentConfig",
    "oscar.apps.offer.apps.OfferConfig",
    "oscar.apps.order.apps.OrderConfig",
    "oscar.apps.customer.apps.CustomerConfig",
    "oscar.apps.search.apps.SearchConfig",
    "oscar.apps.voucher.apps.VoucherConfig",
    "oscar.apps.wishlists.apps.WishlistsConfig",
    "oscar.apps.dashboard.apps.DashboardConfig",
    "oscar.apps.dashboard.reports.apps.ReportsDashboardConfig",
    "oscar.apps.dashboard.users.apps.UsersDashboardConfig",
    "oscar.apps.dashboard.orders.apps.OrdersDashboardConfig",
    "oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig",
    "oscar.apps.dashboard.offers.apps.OffersDashboardConfig",
    "oscar.apps.dashboard.partners.apps.PartnersDashboardConfig",
    "oscar.apps.dashboard.pages.apps.PagesDashboardConfig",
    "oscar.apps.dashboard.ranges.apps.RangesDashboardConfig",
    "oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig",
    "oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig",
    "oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig",
    "oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig",
    "widget_tweaks",
    "haystack",
    "treebeard",
    "sorl.thumbnail",
    "django_tables2",
    "phonenumber_field",
    "django_q",
    "cart_recovery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "cart_recovery.consent.middleware.ConsentMiddleware",
    "cart_recovery.carts.middleware.CheckoutTroubleMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
                "sandbox_shop.context_processors.addresses",
            ],
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
HAYSTACK_CONNECTIONS = {
    "default": {
        "ENGINE": "haystack.backends.whoosh_backend.WhooshEngine",
        "PATH": str(VAR / "search"),
    }
}
# the shop's own mails (order confirmed, password forgotten) are not what is shown here
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR / "mail"
PHONENUMBER_DEFAULT_REGION = "DE"

OSCAR_SHOP_NAME = "Hafen & Hügel"
OSCAR_SHOP_TAGLINE = "Kaffee, Küche, Draußen"
OSCAR_FROM_EMAIL = ENVIRONMENT.get("FROM_EMAIL", "laden@hafen-huegel.example")
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_ALLOW_GUEST_CHECKOUT_WITH_ACCOUNT = True
OSCAR_SLUG_MAP = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
# Whoosh counts no facets worth showing
OSCAR_SEARCH_FACETS: dict[str, dict[str, object]] = {"fields": {}, "queries": {}}
# somebody reads reviews before they are published
OSCAR_MODERATE_REVIEWS = True
OSCAR_INITIAL_ORDER_STATUS = "Pending"
OSCAR_INITIAL_LINE_STATUS = "Pending"
# a status that was set by mistake can be set back as long as nothing was delivered
OSCAR_ORDER_STATUS_PIPELINE = {
    "Pending": ("Being processed", "Shipped", "Delayed", "Pending payment", "Cancelled"),
    "Pending payment": ("Being processed", "Cancelled"),
    "Being processed": ("Shipped", "Delayed", "Cancelled"),
    "Delayed": ("Being processed", "Shipped", "Cancelled"),
    "Shipped": ("Delivered", "Returned", "Refunded", "Being processed"),
    "Delivered": ("Returned", "Refunded"),
    "Returned": ("Refunded",),
    "Refunded": (),
    "Cancelled": (),
}
OSCAR_LINE_STATUS_PIPELINE = {
    "Pending": ("Shipped", "Delayed", "Cancelled"),
    "Delayed": ("Pending", "Shipped", "Cancelled"),
    "Shipped": ("Delivered", "Returned", "Refunded", "Pending"),
    "Delivered": ("Returned", "Refunded"),
    "Returned": ("Refunded",),
    "Refunded": (),
    "Cancelled": (),
}
OSCAR_ORDER_STATUS_CASCADE = {
    "Being processed": "Pending",
    **{status: status for status in OSCAR_LINE_STATUS_PIPELINE if status != "Pending"},
}

OSCAR_DASHBOARD_NAVIGATION = [*OSCAR_DASHBOARD_NAVIGATION, MENU_ENTRY]

Q_CLUSTER = ENVIRONMENT.q_cluster()

# meant: the sandbox shows messages at any hour
SILENCED_SYSTEM_CHECKS = [] if ENVIRONMENT.has_quiet_hours else ["cart_recovery.W006"]
CART_RECOVERY = {
    "PUBLIC_BASE_URL": ENVIRONMENT.shop_url,
    "FROM_EMAIL": f"Hafen & Hügel <{OSCAR_FROM_EMAIL}>",
    "IMPRINT": (
        "Hafen & Hügel GmbH\nSpeicherweg 12, 20457 Hamburg\n"
        "Amtsgericht Hamburg, HRB 00000 (erfunden)\nladen@hafen-huegel.example"
    ),
    "ADDRESS_HASH_KEY": keys.secret(VAR, "address_hash_key"),
    "CHANNELS": ENVIRONMENT.channels(),
    # made up, for the reports
    "PRICES": {"sms": (Decimal("0.0825"), "EUR"), "email": (Decimal("0.0009"), "EUR")},
    **ENVIRONMENT.limits(),
    # short enough to watch: the first message comes within two minutes of the last click
    "ABANDONED_AFTER": dt.timedelta(seconds=20),
    "CHECKOUT_ABANDONED_AFTER": dt.timedelta(seconds=20),
    # the other statuses have names that everybody knows
    "STATUS_MILESTONES": {"Pending payment": "placed"},
    "UNPAID_ORDER_STATUSES": ["Pending payment"],
    "PAYMENT_RESUME_URL": "sandbox_shop.checkout.paying.resume_url",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "faker": {"level": "WARNING"},
        "oscar": {"level": "WARNING"},
    },
}
