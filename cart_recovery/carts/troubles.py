"""Checkouts that fail: what went wrong between the button and the order, one statement each.

Signals alone tell that something failed: Oscar freezes the basket, sends `pre_payment`, and thaws the
basket again while it handles the exception. `CheckoutTroubleMiddleware` sees more, and a shop's own
payment code may say it best (`note_trouble`). Whoever is first is believed: one trouble per request
and basket. A checkout that goes well costs no statement.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Max, Subquery
from django.http import HttpRequest
from django.utils import timezone

from cart_recovery.carts import requests
from cart_recovery.carts.guarding import database, guarded
from cart_recovery.carts.tracking import Marker, send, watch
from cart_recovery.models import CheckoutTrouble, Contact, TrackedCart, TroubleKind
from cart_recovery.shop.checkout_failures import Failure, failure_of
from cart_recovery.shop.customers import submitted_basket_id

logger = logging.getLogger(__name__)

#: what a reason may look like: a name in somebody's code, and neither an address nor the number of a card
#: or phone, in one piece or in groups
CODE: Final = re.compile(r"(?!.*\d{6})(?!(?:\D*\d){9})[A-Za-z][A-Za-z0-9_.-]{0,63}")
#: Oscar's own steps, which are about the basket that the shopper has before them
STEPS: Final = frozenset(
    {
        "index", "shipping-address", "user-address-update", "user-address-delete",
        "shipping-method", "payment-method", "payment-details", "preview",
    }
)  # fmt: skip
#: where staff are at work on the orders of others
BACK_OFFICES: Final = frozenset({"admin", "dashboard"})
BY_FAILURE: Final = {
    Failure.REFUSED: TroubleKind.PAYMENT_REFUSED,
    Failure.ERROR: TroubleKind.PAYMENT_ERROR,
    Failure.NO_ORDER: TroubleKind.ORDER_ERROR,
}


@dataclass(slots=True)
class Attempt:
    """A payment that was begun in this request."""

    basket_id: Any
    stage: str
    is_paid: bool = False
    #: its basket is open again, and whether that is a trouble has been decided
    is_over: bool = False


def begin_attempt(request: HttpRequest, basket_id: Any) -> None:
    """`pre_payment`: from here on a basket that thaws has failed."""
    context = requests.current()
    if context is not None:
        context.attempt = Attempt(basket_id, stage_of(request))


def mark_paid(request: HttpRequest, basket_id: Any) -> None:
    """`post_payment`: from here on the order is what fails. After a redirect this comes alone."""
    context = requests.current()
    if context is None:
        return
    if context.attempt is None or context.attempt.basket_id != basket_id:
        context.attempt = Attempt(basket_id, stage_of(request))
    context.attempt.is_paid = True


def note_thaw(basket_id: Any, error: BaseException | None) -> None:
    """A basket is open again. `error` is what is being handled, if anything: Oscar thaws then.

    Without an attempt in this request (a shopper comes back from the page of a bank) only an
    exception about payments or orders makes it a trouble: baskets thaw for other reasons, too.
    """
    context = requests.current()
    if context is None:
        return
    attempt: Attempt | None = context.attempt
    if attempt is not None and attempt.basket_id == basket_id:
        attempt.is_over = True
        is_paid, stage = attempt.is_paid, attempt.stage
    elif error is not None and failure_of(error) is not None:
        is_paid, stage = False, ""
        if context is not None and attempt is None:
            context.attempt = Attempt(basket_id, stage, is_over=True)
    else:
        return
    kind = kind_of(error, is_paid=is_paid)
    if kind is not None:
        write(basket_id, kind, code=type(error).__name__ if error else "", stage=stage)


@guarded
def note_trouble(request_or_basket: Any, kind: str, code: str = "") -> None:
    """For a shop's own payment code: write down that this checkout failed. Never raises.

    `kind` is one of `TroubleKind`. `code` is shown to staff and counted: a name of up to 64 letters,
    digits, `_`, `.` and `-` that the shop has chosen (`card_expired`), never what a gateway said or
    a shopper typed; anything else is left out. In a request the basket whose payment was begun
    counts, else the one at hand. What is noted first in a request holds: call it before raising.
    """
    is_request = isinstance(request_or_basket, HttpRequest) or hasattr(request_or_basket, "META")
    if is_request:
        basket_id = troubled_basket(request_or_basket)
        stage = stage_of(request_or_basket)
    else:
        basket_id, stage = request_or_basket.pk, ""
    write(basket_id, TroubleKind(kind), code=code, stage=stage)


def write(basket_id: Any | None, kind: str, *, code: str, stage: str) -> None:
    """One row, in one statement, unless this request has written one about the basket already."""
    if basket_id is None:
        return
    context = requests.current()
    connection = connections[database()]
    earlier = context.troubled.get(basket_id) if context else None
    if earlier is not None and earlier.is_standing(connection):
        return
    send(
        connection, insert_sql(connection.alias), _values(connection, basket_id, kind, code, stage)
    )
    marker = Marker()
    if context is not None and watch(marker, connection):
        context.troubled[basket_id] = marker


def is_judged() -> bool:
    """Whether signals have seen the end of this request's payment."""
    context = requests.current()
    return context is not None and context.attempt is not None and context.attempt.is_over


def latest_troubles(cart_ids: Collection[int]) -> dict[int, dt.datetime]:
    """When each of these carts last had trouble; without those that had none. One query."""
    rows = CheckoutTrouble.objects.filter(cart__in=cart_ids).order_by()
    return dict(rows.values_list("cart_id").annotate(latest=Max("occurred_at")))


def kind_of(error: BaseException | None, *, is_paid: bool) -> TroubleKind | None:
    """What kind of trouble an exception is; None for one that is none. Pure."""
    failure = failure_of(error) if error is not None else None
    if failure == Failure.NONE:
        return None
    if is_paid:
        return TroubleKind.ORDER_ERROR
    return BY_FAILURE[failure] if failure is not None else TroubleKind.PAYMENT_ERROR


def cleaned_code(code: str) -> str:
    """The code where it is one, "" otherwise. Pure but for a line in the log without the text."""
    if not code or CODE.fullmatch(code):
        return code
    logger.warning("The code of a trouble at checkout is no plain name and was left out.")
    return ""


def is_payment_begun(request: Any) -> bool:
    """Whether this request or session has begun to pay, or the shop's code has said so."""
    context = requests.current()
    if context is not None and (context.attempt is not None or context.troubled):
        return True
    return submitted_basket_id(request) is not None


def troubled_basket(request: Any) -> Any | None:
    """The basket whose payment was begun in this request or session, else that of the request; None
    where staff are at work: their own basket has no part in it.

    A payment that was begun and left behind is not what a shopper is at who goes through the steps
    again with another basket.
    """
    if _is_back_office(request):
        return None
    context = requests.current()
    if context is not None and context.attempt is not None:
        return context.attempt.basket_id
    own, begun = requests.basket_of(request), submitted_basket_id(request)
    if own is None or begun in (None, own):
        return begun if own is None else own
    match = request.resolver_match
    is_own_step = match is not None and match.url_name in STEPS and not request.basket.is_empty
    return own if is_own_step else begun


def _is_back_office(request: Any) -> bool:
    match = getattr(request, "resolver_match", None)
    return match is not None and not BACK_OFFICES.isdisjoint([*match.namespaces, *match.app_names])


def carry_over(merged_id: Any, basket_id: Any) -> None:
    """A basket was merged into another one, as at log-in: what its checkout suffered goes along. One
    statement."""
    carts = TrackedCart.objects.filter(basket_id=basket_id)
    CheckoutTrouble.objects.filter(
        Exists(carts), cart__in=TrackedCart.objects.filter(basket_id=merged_id)
    ).update(cart=Subquery(carts.values("pk")[:1]))


def stage_of(request: Any) -> str:
    """Name of the URL that is being served: `checkout:preview`."""
    match = getattr(request, "resolver_match", None)
    return str(match.view_name or "")[:64] if match is not None else ""


def _values(
    connection: BaseDatabaseWrapper, basket_id: Any, kind: str, code: str, stage: str
) -> list[Any]:
    """Parameters in the order of `insert_sql`."""
    key = TrackedCart._meta.get_field("basket").get_db_prep_value(basket_id, connection)
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    return [key, key, str(kind), cleaned_code(code), stage, at]


@cache
def insert_sql(alias: str) -> str:
    """The one statement: it finds cart and contact by the basket itself, and does without either."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    table, carts, contacts = (
        quote(model._meta.db_table) for model in (CheckoutTrouble, TrackedCart, Contact)
    )
    cart = f"(SELECT id FROM {carts} WHERE basket_id = %s)"  # noqa: S608 only names; values go apart
    contact = (
        f"(SELECT COALESCE(p.merged_into_id, p.id) FROM {carts} c"  # noqa: S608 as above
        f" JOIN {contacts} p ON p.id = c.contact_id WHERE c.basket_id = %s)"
    )
    return (
        f"INSERT INTO {table} (cart_id, contact_id, kind, reason, stage, occurred_at)"  # noqa: S608 as above
        f" VALUES ({cart}, {contact}, %s, %s, %s, %s)"
    )
