"""Settings that hold dictionaries: what they may hold, and what they hold by default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from django.core.exceptions import ImproperlyConfigured

Duration = dt.timedelta
HealthLimits: TypeAlias = Mapping[str, tuple[Any, Any]]

DEFAULT_FORM_RATE_LIMITS: Final[Mapping[str, Mapping[str, tuple[int, Duration]]]] = {
    "capture": {
        "client": (20, dt.timedelta(hours=1)), "address": (5, dt.timedelta(hours=1)),
    },
    # behind it stands a shop's own server or app gateway
    "api": {"client": (600, dt.timedelta(hours=1)), "address": (5, dt.timedelta(hours=1))},
    "preferences": {
        "client": (60, dt.timedelta(hours=1)), "address": (20, dt.timedelta(hours=1)),
    },
    # who reviews several things may send, correct and send again
    "reviews": {"client": (120, dt.timedelta(hours=1)), "address": (60, dt.timedelta(hours=1))},
}  # fmt: skip

DEFAULT_FREQUENCY_CAPS: Final[Sequence[Mapping[str, Any]]] = (
    {"channels": ["sms"], "limit": 1, "per": dt.timedelta(hours=24)},
    {"channels": ["sms"], "limit": 3, "per": dt.timedelta(days=7)},
    {"limit": 3, "per": dt.timedelta(hours=24)},
    {"limit": 8, "per": dt.timedelta(days=7)},
)
#: kind -> how long it is kept. What each period counts from: docs/owners/personal-data.md
DEFAULT_RETENTION: Final[Mapping[str, Duration | None]] = {
    "message_texts": dt.timedelta(days=90),
    "delivery_events": dt.timedelta(days=400),
    "webhooks": dt.timedelta(days=30),
    "replies": dt.timedelta(days=365),
    "restore_links": dt.timedelta(days=30),
    "review_links": dt.timedelta(days=30),
    "reviews": dt.timedelta(days=730),
    "ratings": dt.timedelta(days=730),
    "tasks": dt.timedelta(days=730),
    "carts": dt.timedelta(days=730),
    "orders": dt.timedelta(days=730),
    "troubles": dt.timedelta(days=400),
    "contacts": dt.timedelta(days=365),
    "opt_ins": dt.timedelta(0),
    "notices": dt.timedelta(days=90),
    "data_links": dt.timedelta(days=1),
    "proofs": dt.timedelta(days=3 * 365),
    "failed_tasks": dt.timedelta(days=30),
}

DEFAULT_HEALTH_LIMITS: Final[HealthLimits] = {
    "sweep_age": (dt.timedelta(minutes=3), dt.timedelta(minutes=10)),
    "lateness": (dt.timedelta(minutes=10), dt.timedelta(hours=1)),
    "backlog": (5_000, 50_000),
    "provider_errors": (0.1, 0.5),
    "reports_age": (dt.timedelta(hours=2), dt.timedelta(days=1)),
}


#: what shops call it -> what it means; "": nobody needs to know
DEFAULT_STATUS_MILESTONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("pending", "new", "placed", "processing", "being processed", "in progress", "confirmed",
         "paid", "on hold", "packed", "ready to ship", "neu", "offen", "eingegangen",
         "in bearbeitung", "bestätigt", "bezahlt", "angehalten", "verpackt", "versandbereit",
         # payment events
         "authorise", "authorize", "authorised", "authorized", "reserved", "debit", "debited",
         "capture", "captured", "settle", "settled", "payment", "payment received", "autorisiert",
         "reserviert", "abgebucht", "eingezogen", "zahlung", "zahlung eingegangen",
         "zahlungseingang"),
        "placed",
    ),
    **dict.fromkeys(
        ("partly shipped", "partially shipped", "teilweise versandt", "teilweise verschickt",
         "teilversandt"),
        "partly_shipped",
    ),
    **dict.fromkeys(
        ("shipped", "dispatched", "sent", "versandt", "versendet", "verschickt", "unterwegs"),
        "shipped",
    ),
    **dict.fromkeys(("delivered", "zugestellt", "geliefert", "ausgeliefert"), "delivered"),
    **dict.fromkeys(("delayed", "backordered", "verspätet", "verzögert"), "delayed"),
    **dict.fromkeys(
        ("returned", "return received", "retourniert", "zurückgesandt", "retoure eingegangen"),
        "returned",
    ),
    **dict.fromkeys(
        ("refunded", "refund", "reimbursed", "credit note", "erstattet", "erstattung",
         "rückerstattet", "rückerstattung", "rückzahlung", "gutschrift", "gutgeschrieben"),
        "refunded",
    ),
    **dict.fromkeys(("cancelled", "canceled", "storniert", "abgebrochen"), "cancelled"),
}  # fmt: skip
MILESTONES: Final = (
    "placed", "partly_shipped", "shipped", "delivered", "delayed", "returned", "refunded",
    "cancelled",
)  # fmt: skip


#: a shop that sets twenty orders of one person to "shipped" sends no twenty texts
DEFAULT_SERVICE_CAPS: Final[Sequence[Mapping[str, Any]]] = (
    {"channels": ["sms"], "limit": 4, "per": dt.timedelta(hours=24)},
    {"limit": 10, "per": dt.timedelta(hours=24)},
)
DEFAULT_PAY_LATER_METHODS: Final = (
    "invoice", "rechnung", "kauf auf rechnung", "pay later", "klarna", "cash on delivery",
    "nachnahme", "ratenzahlung", "instalments", "lastschrift", "direct debit",
)  # fmt: skip
DEFAULT_BOT_USER_AGENTS: Final = (
    "bot", "crawler", "spider", "storebot", "headlesschrome-scan", "facebookexternalhit",
    "mediapartners-google", "bingpreview", "slurp",
)  # fmt: skip
DEFAULT_BOT_EMAIL_DOMAINS: Final = ("storebot.google.com", "storebotmail.joonix.net")


def check_milestone(status: Any, milestone: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    if not isinstance(status, str) or milestone not in ("", *MILESTONES):
        raise ImproperlyConfigured(
            f'CART_RECOVERY["STATUS_MILESTONES"][{status!r}] must be one of '
            f'{", ".join(MILESTONES)}, or "" for what nobody needs to know; not {milestone!r}.'
        )


def check_form_limits(form: Any, limits: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    where = f'CART_RECOVERY["FORM_RATE_LIMITS"][{form!r}]'
    if form not in DEFAULT_FORM_RATE_LIMITS or not isinstance(limits, Mapping):
        known = ", ".join(DEFAULT_FORM_RATE_LIMITS)
        raise ImproperlyConfigured(f"{where}: known forms are {known}, each with a dict.")
    for whom, limit in limits.items():
        is_pair = isinstance(limit, (list, tuple)) and len(limit) == 2
        if not (
            whom in ("client", "address")
            and is_pair
            and isinstance(limit[0], int)
            and isinstance(limit[1], dt.timedelta)
            and limit[1] >= dt.timedelta(seconds=1)
        ):
            raise ImproperlyConfigured(
                f'{where}[{whom!r}] must be "client" or "address": (20, timedelta(hours=1)).'
            )


def check_price(channel: Any, price: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    is_pair = isinstance(price, (list, tuple)) and len(price) == 2
    if not (
        is_pair
        and isinstance(price[0], (Decimal, int))
        and price[0] >= 0
        and isinstance(price[1], str)
        and len(price[1]) == 3
    ):
        raise ImproperlyConfigured(
            f'CART_RECOVERY["PRICES"][{channel!r}] must be (Decimal("0.08"), "EUR").'
        )


def check_health_limits(name: Any, limits: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    where = f'CART_RECOVERY["HEALTH_LIMITS"][{name!r}]'
    if name not in DEFAULT_HEALTH_LIMITS:
        raise ImproperlyConfigured(f"{where}: known are {', '.join(DEFAULT_HEALTH_LIMITS)}.")
    default = DEFAULT_HEALTH_LIMITS[name]
    kind: Any = dt.timedelta if isinstance(default[0], dt.timedelta) else (int, float)
    is_pair = isinstance(limits, (list, tuple)) and len(limits) == 2
    if not (
        is_pair and all(isinstance(limit, kind) for limit in limits) and limits[0] <= limits[1]
    ):
        raise ImproperlyConfigured(f"{where} must be (warns, fails), as in {default!r}.")


def check_rating_scale(scale: Mapping[str, Any]) -> Mapping[str, int]:
    """The scale. Raises ImproperlyConfigured for one that is none."""
    ends = [scale.get("best"), scale.get("worst")]
    is_scale = all(isinstance(end, int) and 0 <= end <= 10 for end in ends) and ends[0] != ends[1]
    if set(scale) != {"best", "worst"} or not is_scale:
        raise ImproperlyConfigured(
            'CART_RECOVERY["RATING_SCALE"] must be {"best": 1, "worst": 6}: whole numbers from 0 to 10.'
        )
    return scale


def check_rating_low(low: Sequence[Any], scale: Mapping[str, int]) -> Sequence[int]:
    """The low ratings, the worse half of the scale if none are named. Raises ImproperlyConfigured."""
    best, worst = scale["best"], scale["worst"]
    scores = range(min(best, worst), max(best, worst) + 1)
    if not low:
        count = len(scores) // 2
        return tuple(scores[-count:] if worst > best else scores[:count])
    if not all(score in scores for score in low):
        raise ImproperlyConfigured(
            f'CART_RECOVERY["RATING_LOW"] must be scores from {scores[0]} to {scores[-1]}.'
        )
    return tuple(low)
