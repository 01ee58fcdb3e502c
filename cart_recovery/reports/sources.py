"""What each measure is counted from: one row source after the other, summed up by the database.

A measure counts on the day on which

- the cart was found abandoned (ABANDONED, with the value of the baskets),
- the message was handed over (SENT, DELIVERED, FAILED, COST, and REACHED for the first message about
  a cart): what becomes of a message later counts on the day of its sending, so that a day's rates
  are those of its messages,
- a person followed a message's link for the first time (CLICKED; machines are left out),
- the complaint came in (COMPLAINED, once per message),
- the person said no (OPTED_OUT, once per person and day, whatever they said no to). It belongs to the
  last message that they got in the week before by a channel that they said no to, where there is
  one,
- the order was credited (RECOVERED, REFUNDED), refunds too, whenever they come: RECOVERED less REFUNDED
  is what the day's credits are worth. REFUNDED counts orders taken back as a whole, and all money.

Confirmations and answers are sent for no campaign: they count as SENT, DELIVERED, FAILED and COST
with campaign 0. Test sends of staff count nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db.models import (
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Greatest

from cart_recovery.conf import conf
from cart_recovery.models import (
    ConsentAction,
    ConsentRecord,
    Conversion,
    DeliveryEvent,
    LinkClick,
    Measure,
    Message,
    MessageState,
    NoticeKind,
    Step,
    TrackedCart,
)
from cart_recovery.provider_events import EventKind

#: a no is taken for the answer to a message of so long ago at the most
ANSWERED_WITHIN: Final = dt.timedelta(days=7)
#: a cart is last touched at most so long before the last thing that is counted about it
CART_LIFE: Final = dt.timedelta(days=90)
#: what the shop deletes by itself is nobody's no
NOT_THEIR_NO: Final = "erasure_retention"
UNDELIVERED: Final = (MessageState.FAILED, MessageState.BOUNCED)


def _origin(followup: str, channel: str, language: str) -> tuple[str, ...]:
    """Where a message came from, in the order of `Key`, by the paths that lead there."""
    return (f"{followup}__step__campaign", f"{followup}__step", f"{followup}__variant",
            channel, language)  # fmt: skip


OF_MESSAGE: Final = _origin("followup", "channel", "language")
OF_CLICK: Final = _origin(
    "link__followup", "link__followup__message__channel", "link__followup__message__language"
)
OF_EVENT: Final = _origin("message__followup", "channel", "message__language")


class Key(NamedTuple):
    """What a sum is of; the names are those of `DailyFigure`."""

    measure: str
    campaign_key: int = 0
    step_key: int = 0
    variant_key: int = 0
    channel: str = ""
    language: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until before `end`."""

    start: dt.datetime
    end: dt.datetime

    def of(self, field: str) -> Q:
        return Q(**{f"{field}__gte": self.start, f"{field}__lt": self.end})


#: (key, count, amount); the same key may come again
Sums = Iterator[tuple[Key, int, Decimal]]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that some measures are counted from.

    `where` tells its figures from those of other sources with the same measures. `goes_with_campaign`:
    the rows are deleted together with their campaign or step, and what was counted has to stay.
    `kept_for`: how long after a day none of its rows can have been deleted for their age (None: for
    ever).
    """

    measures: frozenset[str]
    sums: Callable[[Span], Sums]
    kept_for: Callable[[], dt.timedelta | None]
    where: Q | None = None
    goes_with_campaign: bool = False


def abandoned_carts(span: Span) -> Sums:
    carts = TrackedCart.objects.filter(span.of("abandoned_at"), is_machine=False)
    for language, currency, count, total in _grouped(
        carts, "language", "currency", count=Count("pk"), total=Sum("total")
    ):
        yield Key(Measure.ABANDONED, language=language, currency=currency), count, _money(total)


def followup_messages(span: Span) -> Sums:
    messages = Message.objects.filter(followup__isnull=False)
    yield from _handed_over(messages, span)
    about = "followup__enrolment__cart"
    earlier = Message.objects.filter(_before("sent_at"), **{about: OuterRef(about)})
    first = messages.filter(span.of("sent_at"), followup__enrolment__cart__isnull=False)
    first = first.exclude(Exists(earlier))
    for *origin, count in _grouped(first, *OF_MESSAGE, count=Count("pk")):
        yield _key(Measure.REACHED, origin), count, Decimal(0)


def notice_messages(span: Span) -> Sums:
    # what staff send to themselves says nothing about the shop's messages
    messages = Message.objects.filter(followup__isnull=True).exclude(notice__kind=NoticeKind.TEST)
    yield from _handed_over(messages, span)


def _handed_over(messages: QuerySet[Message], span: Span) -> Sums:
    prices = conf.PRICES
    for *origin, sent, delivered, failed, units in _grouped(
        messages.filter(span.of("sent_at")),
        *OF_MESSAGE,
        sent=Count("pk"),
        delivered=Count("pk", filter=Q(delivered_at__isnull=False) & ~Q(state__in=UNDELIVERED)),
        failed=Count("pk", filter=Q(state__in=UNDELIVERED)),
        units=Sum(Greatest("sms_parts", Value(1), output_field=IntegerField())),
    ):
        yield _key(Measure.SENT, origin), sent, Decimal(0)
        yield _key(Measure.DELIVERED, origin), delivered, Decimal(0)
        yield _key(Measure.FAILED, origin), failed, Decimal(0)
        cost = _key(Measure.COST, origin)
        if cost.channel in prices:
            price, currency = prices[cost.channel]
            yield cost._replace(currency=currency), units, price * Decimal(units)
    # what the provider did not take at all has no moment of sending
    refused = messages.filter(
        span.of("sending_at"), state=MessageState.FAILED, sent_at__isnull=True
    )
    for *origin, count in _grouped(refused, *OF_MESSAGE, count=Count("pk")):
        yield _key(Measure.FAILED, origin), count, Decimal(0)


def clicked_messages(span: Span) -> Sums:
    clicks = LinkClick.objects.filter(is_machine=False, link__followup__isnull=False)
    earlier = clicks.filter(_before("clicked_at"), link__followup=OuterRef("link__followup"))
    first = clicks.filter(span.of("clicked_at"), link__followup__message__isnull=False)
    for *origin, count in _grouped(first.exclude(Exists(earlier)), *OF_CLICK, count=Count("pk")):
        yield _key(Measure.CLICKED, origin), count, Decimal(0)


def complaints(span: Span) -> Sums:
    events = DeliveryEvent.objects.filter(kind=EventKind.COMPLAINED)
    earlier = events.filter(_before("received_at"), message=OuterRef("message"))
    first = events.filter(span.of("received_at")).exclude(Exists(earlier))
    for *origin, count in _grouped(first, *OF_EVENT, count=Count("pk")):
        yield _key(Measure.COMPLAINED, origin), count, Decimal(0)


def opt_outs(span: Span) -> Sums:
    noes = ConsentRecord.objects.filter(
        span.of("recorded_at"), action=ConsentAction.WITHDRAWN
    ).exclude(source__startswith=NOT_THEIR_NO)
    if not noes.exists():
        # most days of a small shop: what follows is the longest of all statements
        return
    said_before = noes.filter(contact=OuterRef("contact"), pk__lt=OuterRef("pk"))
    said_about = noes.filter(contact=OuterRef("contact"), channel=OuterRef("channel"))
    last = Message.objects.filter(
        Exists(said_about),
        contact=OuterRef("contact"),
        followup__isnull=False,
        created_at__gte=span.start - ANSWERED_WITHIN,
        sent_at__lte=OuterRef("recorded_at"),
    ).order_by("-sent_at", "-pk")
    found = _grouped(
        noes.exclude(Exists(said_before)).annotate(
            the_step=Subquery(last.values("followup__step")[:1]),
            the_variant=Subquery(last.values("followup__variant")[:1]),
            the_channel=Subquery(last.values("channel")[:1]),
            the_language=Subquery(last.values("language")[:1]),
        ),
        "the_step", "the_variant", "the_channel", "the_language", "channel", count=Count("pk"),
    )  # fmt: skip
    campaigns = dict(Step.objects.order_by().values_list("pk", "campaign_id"))
    for step, variant, channel, language, own_channel, count in found:
        origin = (campaigns.get(step), step, variant, channel or own_channel, language)
        yield _key(Measure.OPTED_OUT, origin), count, Decimal(0)


def credited_orders(span: Span) -> Sums:
    for *origin, currency, count, amount, reversed_count, refunded in _grouped(
        Conversion.objects.filter(span.of("credited_at")),
        "campaign", "step", "message__followup__variant", "channel", "message__language", "currency",
        count=Count("pk"), total=Sum("amount"), reversed=Count("reversed_at"),
        refunded=Sum("refunded_amount"),
    ):  # fmt: skip
        recovered = _key(Measure.RECOVERED, origin)._replace(currency=currency)
        yield recovered, count, _money(amount)
        refund = recovered._replace(measure=Measure.REFUNDED)
        yield refund, reversed_count, _money(refunded)


def _enrolments_are_kept() -> dt.timedelta | None:
    return _shorter_of(_carts_are_kept(), conf.RETENTION["orders"])


def _carts_are_kept() -> dt.timedelta | None:
    period = conf.RETENTION["carts"]
    return None if period is None else period - CART_LIFE


def _shorter_of(*periods: dt.timedelta | None) -> dt.timedelta | None:
    return min((period for period in periods if period is not None), default=None)


SOURCES: Final = (
    Source(frozenset({Measure.ABANDONED}), abandoned_carts, _carts_are_kept),
    Source(
        frozenset(
            {Measure.SENT, Measure.DELIVERED, Measure.FAILED, Measure.REACHED, Measure.COST}
        ),
        followup_messages, _enrolments_are_kept, where=Q(campaign_key__gt=0), goes_with_campaign=True,
    ),
    Source(
        frozenset({Measure.SENT, Measure.DELIVERED, Measure.FAILED, Measure.COST}),
        notice_messages,
        lambda: _shorter_of(conf.RETENTION["notices"], conf.RETENTION["opt_ins"]),
        where=Q(campaign_key=0),
    ),
    Source(
        frozenset({Measure.CLICKED}), clicked_messages,
        lambda: _shorter_of(conf.RETENTION["restore_links"], _carts_are_kept()),
        goes_with_campaign=True,
    ),
    Source(
        frozenset({Measure.COMPLAINED}), complaints,
        lambda: _shorter_of(conf.RETENTION["delivery_events"], _carts_are_kept()),
        goes_with_campaign=True,
    ),
    Source(
        frozenset({Measure.OPTED_OUT}), opt_outs,
        lambda: _shorter_of(conf.RETENTION["proofs"], _carts_are_kept()),
    ),
    Source(frozenset({Measure.RECOVERED, Measure.REFUNDED}), credited_orders, _carts_are_kept),
)  # fmt: skip


def add_up(sums: Sums) -> dict[Key, tuple[int, Decimal]]:
    """One sum per key, without those that are nothing."""
    counts: dict[Key, int] = defaultdict(int)
    amounts: dict[Key, Decimal] = defaultdict(Decimal)
    for key, count, amount in sums:
        counts[key] += count
        amounts[key] += amount
    return {key: (count, amounts[key]) for key, count in counts.items() if count or amounts[key]}


def _grouped(rows: QuerySet[Any], *paths: str, **sums: Any) -> Iterator[tuple[Any, ...]]:
    yield from rows.order_by().values_list(*paths).annotate(**sums)


def _key(measure: str, origin: Any) -> Key:
    campaign, step, variant, channel, language = origin
    return Key(measure, campaign or 0, step or 0, variant or 0, channel or "", language or "")


def _before(moment: str) -> Q:
    """Of the rows that OuterRef stands for: those that came first, by time and then by key."""
    return Q(**{f"{moment}__lt": OuterRef(moment)}) | Q(
        **{moment: OuterRef(moment)}, pk__lt=OuterRef("pk")
    )


def _money(amount: Decimal | None) -> Decimal:
    return amount or Decimal(0)
