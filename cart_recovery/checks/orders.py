"""Does the app know what the shop's statuses mean, and where its orders lead? Ids E008, E009, W5xx."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from cart_recovery.conf import conf
from cart_recovery.nested_settings import MILESTONES
from cart_recovery.shop.milestones import (
    folded,
    is_known,
    unknown_payment_events,
    unknown_shipping_events,
)
from cart_recovery.shop.payments import is_dotted_path

HINT: Final = "See the page on orders in the docs."
#: settings of Oscar that lead from statuses to others; a last one may stand among these alone
PIPELINES: Final = (
    "OSCAR_ORDER_STATUS_PIPELINE", "OSCAR_LINE_STATUS_PIPELINE", "OSCAR_ORDER_STATUS_CASCADE",
)  # fmt: skip
INITIAL: Final = ("OSCAR_INITIAL_ORDER_STATUS", "OSCAR_INITIAL_LINE_STATUS")
#: settings that are lists of names
NAMES: Final = ("UNPAID_ORDER_STATUSES", "CANCELLED_ORDER_STATUSES", "PAY_LATER_METHODS")


def check_orders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Statuses that mean nothing to us, and functions of the shop that cannot be imported."""
    try:
        _check_names()
        return [*_statuses(), *_functions(), *_unpaid_statuses()]
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=HINT, id="cart_recovery.E008")]


def check_event_types(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Types of shipping and payment events that mean nothing to us. They are rows, so this is only
    asked where the database may be (`check --database`, `migrate`). What ails the database others
    say."""
    try:
        _check_names()
        shipping = unknown_shipping_events(databases or ())
        payment = unknown_payment_events(databases or ())
    except (DatabaseError, ImproperlyConfigured):
        return []
    return [
        *_unmapped("types of shipping events", shipping, "cart_recovery.W502"),
        *_unmapped(
            "types of payment events", payment, "cart_recovery.W502", example="refunded",
            harm="Money that goes back by one of them is not told.",
        ),
    ]  # fmt: skip


def _statuses() -> Iterator[CheckMessage]:
    unmapped = [status for status in _used() if not is_known(status)]
    yield from _unmapped("statuses of orders", unmapped, "cart_recovery.W501")


def _unmapped(
    what: str,
    names: Sequence[str],
    id: str,
    *,
    example: str = "shipped",
    harm: str = "Orders that have one of them set no message going.",
) -> Iterator[CheckMessage]:
    if names:
        quoted = ", ".join(f'"{name}"' for name in names)
        yield Warning(
            f"Nobody knows what these {what} mean: {quoted}. {harm}",
            hint=f'Say so in CART_RECOVERY["STATUS_MILESTONES"] = {{"{names[0]}": "{example}"}}: '
            f'{", ".join(MILESTONES)}, or "" for what nobody needs to know.',
            id=id,
        )


def _used() -> list[str]:
    """The statuses that the shop's settings name, in their order."""
    found = [str(getattr(settings, name, "") or "") for name in INITIAL]
    for name in PIPELINES:
        for status, following in (getattr(settings, name, None) or {}).items():
            found += [str(status), *_each(following)]
    return [status for status in dict.fromkeys(found) if status]


def _each(following: Any) -> list[str]:
    """The statuses that one leads to: several, or in a cascade one alone."""
    return [following] if isinstance(following, str) else [str(name) for name in following or ()]


def _check_names() -> None:
    """Raise ImproperlyConfigured where a list of names holds anything else."""
    for key in NAMES:
        for name in getattr(conf, key):
            if not isinstance(name, str):
                raise ImproperlyConfigured(
                    f'CART_RECOVERY["{key}"] must hold names in quotes, not {name!r}.'
                )


def _unpaid_statuses() -> Iterator[CheckMessage]:
    """Those that no order can have, as far as the shop's pipeline says."""
    pipeline = getattr(settings, PIPELINES[0], {}) or {}
    known = {folded(str(status)) for status in (*pipeline, getattr(settings, INITIAL[0], ""))}
    unknown = [name for name in conf.UNPAID_ORDER_STATUSES if folded(name) not in known]
    if pipeline and unknown:
        quoted = ", ".join(f'"{name}"' for name in unknown)
        yield Warning(
            f'CART_RECOVERY["UNPAID_ORDER_STATUSES"]: no order has the status {quoted}, so that '
            "nobody is reminded by it.",
            hint=f"{PIPELINES[0]} has: {', '.join(map(str, pipeline))}.",
            id="cart_recovery.W503",
        )


def _functions() -> Iterator[CheckMessage]:
    """What must be code of the shop's, or may be the name of one of its URLs."""
    if conf.TRACKING_URL and (flaw := _flaw_of_function(conf.TRACKING_URL)):
        yield _unusable("TRACKING_URL", conf.TRACKING_URL, flaw, "the dotted path of a function")
    resume = conf.PAYMENT_RESUME_URL
    if not resume:
        return
    flaw = _flaw_of_function(resume) if is_dotted_path(resume) else _flaw_of_url(resume)
    if flaw:
        wanted = "the name of a URL or the dotted path of a function"
        yield _unusable("PAYMENT_RESUME_URL", resume, flaw, wanted)


def _unusable(key: str, value: str, flaw: str, wanted: str) -> CheckMessage:
    return Error(
        f'CART_RECOVERY["{key}"]: "{value}" {flaw}.',
        hint=f"Write {wanted}.",
        id="cart_recovery.E009",
    )


def _flaw_of_function(path: str) -> str:
    """What is wrong with a dotted path; "" where nothing is."""
    try:
        found = import_string(path)
    except Exception as error:
        # a module of the shop's may raise anything while it is imported
        return f"cannot be imported ({type(error).__name__})"
    return "" if callable(found) else "is no function"


def _flaw_of_url(name: str) -> str:
    """What is wrong with the name of a URL; "" where one of that name takes `order_number`, or nothing."""
    for kwargs in ({"order_number": "1"}, {"order_number": "ABC-1"}, {}):
        try:
            reverse(name, kwargs=kwargs)
        except NoReverseMatch:
            continue
        except Exception as error:
            # the shop's URLs cannot be loaded: Django's own checks say more
            return f"cannot be looked up ({type(error).__name__})"
        return ""
    return "is the name of no URL that takes an order_number or nothing"
