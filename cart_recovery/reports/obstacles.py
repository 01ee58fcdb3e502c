"""What keeps a campaign's steps from being sent, or some of them: told before it happens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cart_recovery.campaigns.editing import StepDraft, VariantDraft
from cart_recovery.campaigns.texts import duration_text, variant_name
from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.eligibility.caps import Cap
from cart_recovery.markets.profiles import Market
from cart_recovery.models import ORDER_TRIGGERS, SERVICE_TRIGGERS, Purpose, TemplateSubject
from cart_recovery.rendering.batches import fallbacks, normalized

PHONE: Final = "phone"


class Severity(StrEnum):
    #: nothing is sent for this variant or step
    STOP = "stop"
    #: some people get another channel, or nothing
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Obstacle:
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """Languages of one (code, channel), whether its texts speak of a voucher, and SMS parts.

    `advertising` names what of it a service message leaves out; `problem` says why it cannot be
    rendered, "" where it can.
    """

    languages: frozenset[str]
    has_voucher: bool
    parts: int = 0
    problem: str = ""
    about: str = TemplateSubject.CART
    advertising: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that a step is judged by, loaded once per page."""

    #: (code, channel) -> facts
    templates: Mapping[tuple[str, str], TemplateFacts]
    paused: frozenset[str]
    #: (market, contacts with a number there), the shop's own first
    markets: Sequence[tuple[Market, int]]
    caps: Sequence[Cap]
    purpose: str
    #: channel -> what `reach` counted; empty where nothing was counted yet
    reach: Mapping[str, Mapping[str, int]]
    trigger: str = ""

    @property
    def subject(self) -> str:
        """What templates must be about."""
        is_order = self.trigger in ORDER_TRIGGERS
        return TemplateSubject.ORDER if is_order else TemplateSubject.CART


def is_sendable(variant: VariantDraft, around: Surroundings) -> bool:
    """Whether anything could go out by this variant."""
    if variant.channel not in configured_aliases():
        return False
    facts = around.templates.get((variant.template_code, variant.channel))
    if facts is None or facts.problem or facts.about != around.subject:
        return False
    return bool(conf.IMPRINT) or get_channel(variant.channel).address_kind == PHONE


def of_variant(variant: VariantDraft, step: StepDraft, around: Surroundings) -> Iterator[Obstacle]:
    """What is wrong with one row of a mix."""
    name = variant_name(variant.channel, variant.label)
    if variant.channel not in configured_aliases():
        yield _stop(
            _("%(name)s: the shop has no such channel any more. Remove it, or choose another one."),
            name=name,
        )  # fmt: skip
        return
    if variant.channel in around.paused:
        yield _warning(
            _("%(name)s is paused at the moment; what is due waits until it is used again."),
            name=name,
        )  # fmt: skip
    if not conf.IMPRINT and get_channel(variant.channel).address_kind != PHONE:
        yield _stop(
            _("%(name)s: no mail leaves without an imprint. A developer sets IMPRINT."), name=name
        )
    yield from _of_template(variant, step, around, name)


def of_step(
    step: StepDraft, earlier: Sequence[StepDraft], around: Surroundings
) -> Iterator[Obstacle]:
    """What stands in the way of a whole step; `earlier`: the steps before it."""
    if not step.variants:
        yield _stop(_("This step has no channel: nothing is sent. Add a channel, or remove it."))
        return
    if not any(is_sendable(variant, around) for variant in step.variants):
        yield _stop(_("Nothing can be sent on this step. See below for each channel."))
    if step.incentive_id is not None and around.trigger in SERVICE_TRIGGERS:
        yield _stop(
            _(
                "A service message holds no advertising, so it offers nothing: choose “no incentive”."
            )
        )
    if any(before.delay == step.delay for before in earlier):
        yield _warning(_("Another step has the same delay: both would go out at once."))
    if _texts(step):
        # rules of markets about carts, and the person has bought
        for market, count in around.markets if around.subject == TemplateSubject.CART else ():
            yield from _market_rules(step, earlier, market, count)
        yield from _unconfirmed(step, around)
    if around.purpose != Purpose.ORDER_STATUS:
        yield from _caps(step, earlier, around.caps)


def windows(step: StepDraft, market: Market) -> list[tuple[str, str]]:
    """(channel in words, when it may arrive) for the channels of a step that have sending times."""
    found = []
    for alias in dict.fromkeys(variant.channel for variant in step.variants):
        if alias not in configured_aliases():
            continue
        week = market.week(get_channel(alias).address_kind)
        if week is not None:
            found.append((channel_name(alias), week_text(week)))
    return found


def week_text(week: Sequence[Sequence[tuple[int, int]]]) -> str:
    """`Mon–Sat 08:00–20:00`; days that are closed are left out."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    parts: list[str] = []
    first = 0
    while first < len(names):
        last = first
        while last + 1 < len(names) and week[last + 1] == week[first]:
            last += 1
        if week[first]:
            days = names[first] if first == last else f"{names[first]}–{names[last]}"
            spans = ", ".join(f"{_clock(begin)}–{_clock(end)}" for begin, end in week[first])
            parts.append(f"{days} {spans}")
        first = last + 1
    return "; ".join(parts)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _of_template(
    variant: VariantDraft, step: StepDraft, around: Surroundings, name: str
) -> Iterator[Obstacle]:
    facts = around.templates.get((variant.template_code, variant.channel))
    words = {"name": name, "template": variant.template_code}
    if facts is None:
        yield _stop(
            _("%(name)s: there is no template “%(template)s”. Write it, or choose another one."),
            **words,
        )  # fmt: skip
        return
    if facts.about != around.subject:
        yield _stop(
            _("%(name)s: template “%(template)s” is about an order, and this campaign is about carts.")
            if facts.about == TemplateSubject.ORDER
            else _("%(name)s: template “%(template)s” is about a cart, and this campaign is about "
                   "orders."),
            **words,
        )  # fmt: skip
    if facts.problem:
        yield _stop(
            _("%(name)s: template “%(template)s” cannot be sent: %(why)s"),
            why=facts.problem, **words,
        )  # fmt: skip
    yield from _languages(facts, words)
    if facts.advertising and around.trigger in SERVICE_TRIGGERS:
        yield _warning(
            _("%(name)s: template “%(template)s” holds advertising (%(what)s). This campaign needs no "
              "consent, since it only serves a purchase: where the law wants it so, its messages go out "
              "without that."),
            what=", ".join(sorted(facts.advertising)), **words,
        )  # fmt: skip
    if step.incentive_id is not None and not facts.has_voucher:
        yield _warning(
            _("%(name)s: the step offers an incentive, but template “%(template)s” does not name "
              "the voucher."),
            **words,
        )  # fmt: skip


def _languages(facts: TemplateFacts, words: Mapping[str, str]) -> Iterator[Obstacle]:
    for language in conf.LANGUAGES:
        if normalized(language) in facts.languages:
            continue
        other = next((code for code in fallbacks(language) if code in facts.languages), "")
        if other:
            yield _warning(
                _("%(name)s: template “%(template)s” is missing in the language %(language)s; "
                  "its readers get %(other)s."),
                language=language, other=other, **words,
            )  # fmt: skip
        else:
            yield _warning(
                _("%(name)s: template “%(template)s” is missing in the language %(language)s; "
                  "its readers get nothing."),
                language=language, **words,
            )  # fmt: skip


def _market_rules(
    step: StepDraft, earlier: Sequence[StepDraft], market: Market, count: int
) -> Iterator[Obstacle]:
    place = market.code or _("other countries")
    people = ngettext("%(n)s contact", "%(n)s contacts", count) % {"n": count}
    texts = sum(_texts(before) for before in earlier)
    if market.sms_per_cart is not None and texts >= market.sms_per_cart:
        yield _warning(
            ngettext(
                "Market %(place)s (%(people)s): no more than %(limit)s SMS about a basket. Who had "
                "one before gets the next channel here.",
                "Market %(place)s (%(people)s): no more than %(limit)s SMS about a basket. Who had "
                "them before gets the next channel here.",
                market.sms_per_cart,
            ),
            place=place, people=people, limit=market.sms_per_cart,
        )  # fmt: skip
    if market.sms_within is not None and step.delay > market.sms_within:
        yield _warning(
            _("Market %(place)s (%(people)s): no SMS later than %(time)s after the basket was left. "
              "This step gives way to the next channel there."),
            place=place, people=people, time=duration_text(market.sms_within),
        )  # fmt: skip
    elif market.sms_within is not None and step.delay > market.sms_within - dt.timedelta(hours=14):
        yield _warning(
            _("Market %(place)s (%(people)s): an SMS that falls into quiet hours would come later "
              "than %(time)s after the basket was left, and gives way to the next channel."),
            place=place, people=people, time=duration_text(market.sms_within),
        )  # fmt: skip


def _unconfirmed(step: StepDraft, around: Surroundings) -> Iterator[Obstacle]:
    for alias in dict.fromkeys(variant.channel for variant in step.variants):
        if alias not in configured_aliases() or get_channel(alias).address_kind != PHONE:
            continue
        count = around.reach.get(alias, {}).get("unconfirmed", 0)
        if count:
            yield _warning(
                ngettext(
                    "%(name)s: %(n)s contact agreed without confirming the number. Their market "
                    "asks for it (double opt-in), so they get no message here.",
                    "%(name)s: %(n)s contacts agreed without confirming the number. Their market "
                    "asks for it (double opt-in), so they get no message here.",
                    count,
                ),
                name=channel_name(alias), n=count,
            )  # fmt: skip


def _caps(step: StepDraft, earlier: Sequence[StepDraft], caps: Sequence[Cap]) -> Iterator[Obstacle]:
    """Limits that this campaign alone would exceed; other campaigns come on top."""
    for cap in caps:
        channels = _channels(step)
        if not any(cap.counts(channel) for channel in channels):
            continue
        counted = [
            before
            for before in earlier
            if step.delay - before.delay < cap.per
            and any(cap.counts(channel) for channel in _channels(before))
        ]
        if len(counted) < cap.limit:
            continue
        names = ", ".join(channel_name(c) for c in sorted(cap.channels)) or _("all channels")
        yield _warning(
            _("The shop’s limit is %(limit)s in %(time)s (%(channels)s). Who got the steps before "
              "waits here, and gets nothing if that is too late."),
            limit=cap.limit, time=duration_text(cap.per), channels=names,
        )  # fmt: skip


def _texts(step: StepDraft) -> bool:
    return any(
        get_channel(channel).address_kind == PHONE
        for channel in _channels(step)
        if channel in configured_aliases()
    )


def _channels(step: StepDraft) -> set[str]:
    return {variant.channel for variant in step.variants}


def _stop(text: str, **words: object) -> Obstacle:
    return Obstacle(Severity.STOP, text % words)


def _warning(text: str, **words: object) -> Obstacle:
    return Obstacle(Severity.WARNING, text % words)
