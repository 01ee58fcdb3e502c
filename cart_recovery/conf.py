"""Settings, read from `CART_RECOVERY = {...}` in the project's settings each time they are used.

Use it as `from cart_recovery.conf import conf` and `conf.BATCH_SIZE`. Nothing is kept, so that
`override_settings` works; each property is documented here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from cart_recovery.nested_settings import (
    DEFAULT_BOT_EMAIL_DOMAINS,
    DEFAULT_BOT_USER_AGENTS,
    DEFAULT_FORM_RATE_LIMITS,
    DEFAULT_FREQUENCY_CAPS,
    DEFAULT_HEALTH_LIMITS,
    DEFAULT_RETENTION,
    HealthLimits,
    check_form_limits,
    check_health_limits,
    check_price,
)
from cart_recovery.order_settings import OrderSettings

Duration = dt.timedelta

DEFAULT_CHANNELS: Final[Mapping[str, Mapping[str, Any]]] = {
    "email": {"BACKEND": "cart_recovery.channels.django_email.DjangoEmailChannel", "OPTIONS": {}},
}


class Conf(OrderSettings):
    """Lazy view of the `CART_RECOVERY` dict. A wrong type raises ImproperlyConfigured."""

    # --- the shop -----------------------------------------------------------------------------

    @property
    def PUBLIC_BASE_URL(self) -> str:
        """`https://shop.example` as shoppers and providers see it. Empty: the current Site."""
        return self._get("PUBLIC_BASE_URL", "", str).rstrip("/")

    @property
    def SHOP_NAME(self) -> str:
        """Name in messages. Default: OSCAR_SHOP_NAME."""
        return self._get("SHOP_NAME", "", str) or str(getattr(settings, "OSCAR_SHOP_NAME", "Shop"))

    @property
    def FROM_EMAIL(self) -> str:
        """`Shop <shop@shop.example>`. Default: DEFAULT_FROM_EMAIL."""
        return self._get("FROM_EMAIL", "", str) or settings.DEFAULT_FROM_EMAIL

    @property
    def REPLY_TO(self) -> str:
        """A mailbox that people read. Empty: answers go to FROM_EMAIL."""
        return self._get("REPLY_TO", "", str)

    @property
    def IMPRINT(self) -> str:
        """Legal footer of each mail, several lines. Without it no mail leaves (UWG §7, DDG §5)."""
        return self._get("IMPRINT", "", str).strip()

    @property
    def LANGUAGES(self) -> tuple[str, ...]:
        """Languages that messages are sent in, the first one being the fallback."""
        return tuple(self._get("LANGUAGES", ("de", "en"), (list, tuple)))

    @property
    def DEFAULT_COUNTRY(self) -> str:
        """ISO code by which phone numbers without prefix are read where no address says better."""
        return self._get("DEFAULT_COUNTRY", "DE", str)

    @property
    def ADDRESS_HASH_KEY(self) -> str:
        """Key of the hashes in the suppression list. Default: SECRET_KEY. Must never change."""
        return self._get("ADDRESS_HASH_KEY", "", str) or settings.SECRET_KEY

    # --- consent ------------------------------------------------------------------------------

    @property
    def MARKETS(self) -> Mapping[str, Mapping[str, Any]]:
        """Changes to the market profiles: market (`DE`, `AT`, `CH`, `EU`, `GB`, `US`), country (`CA`) or
        `*` for all -> what is different there (see the page on sending times):
        `{"DE": {"windows": {"email": {"mon-sat": "07:00-22:00"}}}}`."""
        return self._get("MARKETS", {}, dict)

    @property
    def SOFT_OPT_IN(self) -> bool:
        """Write to existing customers without consent where their market allows it (UWG §7(3))."""
        return self._get("SOFT_OPT_IN", False, bool)

    @property
    def OPT_IN_LIFETIME(self) -> Duration:
        """How long a double opt-in can be confirmed; after that it is deleted."""
        return self._get("OPT_IN_LIFETIME", dt.timedelta(days=14), dt.timedelta)

    @property
    def OPT_IN_REPEAT_AFTER(self) -> Duration:
        """Who asks for the same again while it waits to be confirmed gets no second message sooner."""
        return self._get("OPT_IN_REPEAT_AFTER", dt.timedelta(hours=24), dt.timedelta)

    @property
    def OPT_IN_LIMIT(self) -> int:
        """Unconfirmed double opt-ins that an address is asked about within 30 days at the most."""
        return self._get("OPT_IN_LIMIT", 3, int)

    @property
    def PAUSE(self) -> Duration:
        """How long a person's pause lasts that is asked for in the preference centre."""
        return self._get("PAUSE", dt.timedelta(days=30), dt.timedelta)

    # --- public forms -------------------------------------------------------------------------

    @property
    def FORM_RATE_LIMITS(self) -> Mapping[str, Mapping[str, tuple[int, Duration]]]:
        """What the public forms take: form (`capture`, `api`, `preferences`, `reviews`) -> whom
        (`client`: one network address; `address`: one e-mail address, number or review link) ->
        (how many, within).
        A form that is named here replaces its defaults. Opting out is never limited."""
        own: dict[str, Any] = self._get("FORM_RATE_LIMITS", {}, dict)
        for form, limits in own.items():
            check_form_limits(form, limits)
        return {**DEFAULT_FORM_RATE_LIMITS, **own}

    @property
    def CLIENT_IP_HEADER(self) -> str:
        """Header in which your own proxy hands on the client's address (`X-Real-IP`, or
        `X-Forwarded-For`, of which the last entry counts). Empty: REMOTE_ADDR. Only for a proxy
        that overwrites it or adds to it: otherwise anybody can claim any address."""
        return self._get("CLIENT_IP_HEADER", "", str)

    # --- tracking -----------------------------------------------------------------------------

    @property
    def ABANDONED_AFTER(self) -> Duration:
        """Idle time after which a basket counts as abandoned."""
        return self._get("ABANDONED_AFTER", dt.timedelta(minutes=30), dt.timedelta)

    @property
    def CHECKOUT_ABANDONED_AFTER(self) -> Duration:
        """The same for a basket whose checkout was begun."""
        return self._get("CHECKOUT_ABANDONED_AFTER", dt.timedelta(minutes=30), dt.timedelta)

    @property
    def MAX_CART_AGE(self) -> Duration:
        """A cart idle for longer than this is not enrolled any more."""
        return self._get("MAX_CART_AGE", dt.timedelta(days=7), dt.timedelta)

    @property
    def BOT_USER_AGENTS(self) -> Sequence[str]:
        """Parts of user agents (any case) whose carts are left out."""
        return self._get("BOT_USER_AGENTS", DEFAULT_BOT_USER_AGENTS, (list, tuple))

    @property
    def BOT_EMAIL_DOMAINS(self) -> Sequence[str]:
        """Mail domains that belong to machines, Google's StoreBot first."""
        return self._get("BOT_EMAIL_DOMAINS", DEFAULT_BOT_EMAIL_DOMAINS, (list, tuple))

    # --- planning and delivery ----------------------------------------------------------------

    @property
    def MISSED_AFTER(self) -> Duration:
        """A follow-up later than this is not sent. A step's own `missed_after` goes first."""
        return self._get("MISSED_AFTER", dt.timedelta(hours=12), dt.timedelta)

    @property
    def FREQUENCY_CAPS(self) -> Sequence[Mapping[str, Any]]:
        """How much advertising a person gets at the most, over all campaigns: `{"channels": ["sms"],
        "limit": 1, "per": timedelta(days=1)}` each. Without `channels` it counts all of them
        together. Answers to what a person asked for do not count. `[]`: no limit."""
        return self._get("FREQUENCY_CAPS", DEFAULT_FREQUENCY_CAPS, (list, tuple))

    @property
    def BATCH_SIZE(self) -> int:
        """Rows a stage takes at a time."""
        return self._get("BATCH_SIZE", 500, int)

    @property
    def LEASE(self) -> Duration:
        """How long a claimed follow-up belongs to its worker; then another may take it."""
        return self._get("LEASE", dt.timedelta(minutes=5), dt.timedelta)

    @property
    def UNKNOWN_AFTER(self) -> Duration:
        """A message in the provider call for longer than this has an unknown outcome."""
        return self._get("UNKNOWN_AFTER", dt.timedelta(minutes=5), dt.timedelta)

    @property
    def TASK_BUDGET(self) -> Duration:
        """A delivery task takes no further batch after this time. Below django-q2's `timeout`."""
        return self._get("TASK_BUDGET", dt.timedelta(seconds=40), dt.timedelta)

    @property
    def DELIVERY_TASKS(self) -> int:
        """Delivery tasks that one sweep starts at the most."""
        return self._get("DELIVERY_TASKS", 4, int)

    @property
    def MAX_ATTEMPTS(self) -> int:
        """Provider calls for one message that may be tried where the provider surely has nothing."""
        return self._get("MAX_ATTEMPTS", 5, int)

    @property
    def CHANNELS(self) -> Mapping[str, Mapping[str, Any]]:
        """Alias -> {"BACKEND": dotted path of a Channel, "OPTIONS": {...}}."""
        return self._get("CHANNELS", DEFAULT_CHANNELS, dict)

    @property
    def SMS_MAX_PARTS(self) -> int:
        """An SMS body longer than this many parts is not sent."""
        return self._get("SMS_MAX_PARTS", 3, int)

    # --- links, vouchers, crediting -------------------------------------------------------------

    @property
    def RESTORE_LINK_LIFETIME(self) -> Duration:
        """How long a restore link works."""
        return self._get("RESTORE_LINK_LIFETIME", dt.timedelta(days=30), dt.timedelta)

    @property
    def RESTORE_NEXT(self) -> str:
        """URL name that a restored basket goes on to."""
        return self._get("RESTORE_NEXT", "basket:summary", str)

    @property
    def ATTRIBUTION_WINDOW(self) -> Duration:
        """How long after a click an order is credited to it. A campaign's own goes first."""
        return self._get("ATTRIBUTION_WINDOW", dt.timedelta(days=5), dt.timedelta)

    @property
    def CANCELLED_ORDER_STATUSES(self) -> Sequence[str]:
        """Statuses in which an order or a line is no sale any more, in any case: its credit is taken
        back, and no suggestion counts it. Beside those that STATUS_MILESTONES calls cancelled or
        refunded."""
        return self._get(
            "CANCELLED_ORDER_STATUSES", ("Cancelled", "Canceled", "Refunded"), (list, tuple)
        )

    # --- keeping and deleting -----------------------------------------------------------------

    @property
    def RETENTION(self) -> Mapping[str, Duration | None]:
        """How long what is kept, by kind (docs/owners/personal-data.md has the list and the
        defaults): `{"message_texts": timedelta(days=60)}` changes one, None keeps it for ever."""
        own: Mapping[str, Any] = self._get("RETENTION", {}, dict)
        unknown = sorted(own.keys() - DEFAULT_RETENTION.keys())
        if unknown:
            raise ImproperlyConfigured(
                f'CART_RECOVERY["RETENTION"] has no kind "{unknown[0]}": '
                f"use {', '.join(DEFAULT_RETENTION)}."
            )
        for kind, period in own.items():
            if period is not None and not isinstance(period, dt.timedelta):
                raise ImproperlyConfigured(
                    f'CART_RECOVERY["RETENTION"]["{kind}"] must be a timedelta or None, '
                    f"not {type(period).__name__}."
                )
        return {**DEFAULT_RETENTION, **own}

    # --- reports and health -------------------------------------------------------------------

    @property
    def PRICES(self) -> Mapping[str, tuple[Decimal, str]]:
        """What a message costs: channel -> (price, currency), for an SMS the price of one part:
        `{"sms": (Decimal("0.0825"), "EUR")}`. Staff see costs where there is a price."""
        own: dict[str, Any] = self._get("PRICES", {}, dict)
        for channel, price in own.items():
            check_price(channel, price)
        return own

    @property
    def HEALTH_LIMITS(self) -> HealthLimits:
        """From when on the health page warns, and from when on it fails: (warns, fails). `sweep_age`:
        since the last sweep; `lateness`: of the oldest message that waits, time in which nothing may be sent
        left out; `backlog`: messages due; `provider_errors`: share of the last hour's messages;
        `reports_age`: since the reports were brought up to date. What is not named keeps its default."""
        own: dict[str, Any] = self._get("HEALTH_LIMITS", {}, dict)
        for name, limits in own.items():
            check_health_limits(name, limits)
        return {**DEFAULT_HEALTH_LIMITS, **own}

    @property
    def HEALTH_TOKEN(self) -> str:
        """Secret with which a monitor reads the details of `/health/`: `Authorization: Bearer …`.
        Empty: it reads the status alone."""
        return self._get("HEALTH_TOKEN", "", str)

    @property
    def HEALTH_CACHED_FOR(self) -> Duration:
        """How long an answer about the health is kept in Django's default cache, for `/health/` and
        the banner on each page of the admin."""
        return self._get("HEALTH_CACHED_FOR", dt.timedelta(seconds=15), dt.timedelta)

    # --- webhooks -----------------------------------------------------------------------------

    @property
    def WEBHOOK_TOLERANCE(self) -> Duration:
        """Age of a signed webhook beyond which it counts as late; refused after a day of retries more."""
        return self._get("WEBHOOK_TOLERANCE", dt.timedelta(minutes=10), dt.timedelta)

    @property
    def WEBHOOK_MAX_BYTES(self) -> int:
        """Size of a webhook's body beyond which it is refused unread."""
        return self._get("WEBHOOK_MAX_BYTES", 2 * 1024 * 1024, int)


conf: Final = Conf()
