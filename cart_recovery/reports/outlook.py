"""What a campaign would do as it stands on an editor's screen, and what came of it so far.

Counts over many rows come from the cache (`reports.keeping`); everything else is a constant number of
queries and arithmetic, so that the page may ask again with each change of a slider.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cart_recovery.campaigns.editing import StepDraft, VariantDraft
from cart_recovery.campaigns.texts import variant_name
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.eligibility.caps import read_caps
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import (
    ORDER_TRIGGERS,
    Campaign,
    ChannelStatus,
    MessageTemplate,
)
from cart_recovery.rendering.advertising import advertises
from cart_recovery.rendering.batches import normalized, render_batch
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.samples import sample_request, sample_voucher
from cart_recovery.reports import forecast, obstacles
from cart_recovery.reports.keeping import kept
from cart_recovery.reports.obstacles import Obstacle, Severity, Surroundings, TemplateFacts
from cart_recovery.reports.reach import contacts_by_country, kept_reach, markets
from cart_recovery.reports.results import Outcome, outcomes


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign as it stands on the screen. `key` is None for one that was never saved."""

    trigger: str
    purpose: str
    steps: Sequence[StepDraft]
    key: int | None = None
    priority: int = 100
    starts_with: str = ""

    @property
    def is_about_orders(self) -> bool:
        return self.trigger in ORDER_TRIGGERS


@dataclass(frozen=True, slots=True)
class VariantOutlook:
    """`reached`, `addresses`: contacts today, counted exactly or about; `messages`: a month; `cost`:
    (amount, currency)."""

    name: str
    channel: str
    weight: int
    reached: int | None
    addresses: int | None
    is_about: bool
    messages: float
    cost: tuple[Decimal, str] | None
    parts: int
    outcome: Outcome
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOutlook:
    draft: StepDraft
    variants: tuple[VariantOutlook, ...]
    obstacles: tuple[Obstacle, ...]
    windows: tuple[tuple[str, str], ...]
    #: what variants sent that are no longer part of the step
    former: Outcome

    @property
    def messages(self) -> float:
        return sum(variant.messages for variant in self.variants)

    @property
    def costs(self) -> list[tuple[Decimal, str]]:
        return _sum(variant.cost for variant in self.variants)

    @property
    def may_send(self) -> bool:
        return not any(o.severity == Severity.STOP for o in self.obstacles)


@dataclass(frozen=True, slots=True)
class Outlook:
    """`as_of`: when contacts and carts were counted."""

    steps: tuple[StepOutlook, ...]
    obstacles: tuple[Obstacle, ...]
    #: carts abandoned in the last 30 days with this trigger, or orders that got that far, of people
    #: that we know
    carts: int
    is_about_orders: bool
    #: whether the last 30 days tell anything about the next ones
    is_foreseen: bool
    as_of: dt.datetime
    market: str = ""
    taken_over: tuple[str, ...] = field(default_factory=tuple)

    @property
    def messages(self) -> float:
        return sum(step.messages for step in self.steps)

    @property
    def messages_per_day(self) -> float:
        return self.messages / forecast.DAYS

    @property
    def costs(self) -> list[tuple[Decimal, str]]:
        return _sum(cost for step in self.steps for cost in step.costs)

    @property
    def has_costs_unknown(self) -> bool:
        """Whether SMS would go out for which the settings name no price."""
        return any(v.parts and v.cost is None for step in self.steps for v in step.variants)

    @property
    def may_send(self) -> bool:
        """Whether anything could go out: no obstacle to the whole, and a step that can be sent."""
        is_stopped = any(o.severity == Severity.STOP for o in self.obstacles)
        return not is_stopped and any(step.may_send for step in self.steps)


def draft_of(campaign: Campaign) -> CampaignDraft:
    """A stored campaign as a draft. Two queries."""
    steps = [
        StepDraft(
            delay=step.delay, missed_after=step.missed_after, incentive_id=step.incentive_id,
            key=step.pk,
            variants=tuple(
                VariantDraft(v.channel, v.template_code, v.weight, v.label, v.pk)
                for v in step.variants.all()
            ),
        )
        for step in campaign.steps.order_by("delay", "position").prefetch_related("variants")
    ]  # fmt: skip
    return CampaignDraft(
        campaign.trigger, campaign.purpose, steps, campaign.pk, campaign.priority,
        campaign.starts_with,
    )  # fmt: skip


def outlook(draft: CampaignDraft, *, fresh: bool = False) -> Outlook:
    """The outlook of a draft; `fresh` counts contacts and carts anew."""
    counted_at, reach = kept_reach(draft.purpose, fresh=fresh)
    carts_at, demand = forecast.kept_demand(
        draft.trigger, draft.purpose, starts_with=draft.starts_with, fresh=fresh
    )
    _at, countries = kept("countries", contacts_by_country, fresh=fresh)
    around = Surroundings(
        templates=_templates(draft.steps), paused=_paused(), markets=markets(countries),
        caps=read_caps().advertising, purpose=draft.purpose, reach=reach, trigger=draft.trigger,
    )  # fmt: skip
    results = outcomes({draft.key or 0}, by=("step_key", "variant_key"), until=timezone.localdate())
    # of two steps with the same delay the one that stands first goes first
    ordered = sorted(draft.steps, key=lambda step: step.delay)
    return Outlook(
        steps=tuple(_step(step, ordered, around, demand, results) for step in draft.steps),
        obstacles=tuple(_of_campaign(draft, ordered)),
        carts=demand.carts,
        is_about_orders=draft.is_about_orders,
        is_foreseen=forecast.is_foreseen(draft.trigger),
        as_of=min(counted_at, carts_at),
        market=around.markets[0][0].code,
        taken_over=tuple(_taken_over(draft)),
    )


def may_send(draft: CampaignDraft) -> bool:
    """Whether anything could go out, without counting anybody: quick enough for each save."""
    around = Surroundings(
        templates=_templates(draft.steps), paused=frozenset(), markets=(), caps=(),
        purpose=draft.purpose, reach={}, trigger=draft.trigger,
    )  # fmt: skip
    ordered = sorted(draft.steps, key=lambda step: step.delay)
    if any(o.severity == Severity.STOP for o in _of_campaign(draft, ordered)):
        return False
    return any(
        all(o.severity != Severity.STOP for o in obstacles.of_step(step, (), around))
        for step in ordered
    )


def _step(
    step: StepDraft,
    ordered: Sequence[StepDraft],
    around: Surroundings,
    demand: forecast.Demand,
    results: Mapping[tuple[object, ...], Outcome],
) -> StepOutlook:
    # a new variant comes after all that have a key
    line = sorted(step.variants, key=lambda variant: (variant.key is None, variant.key or 0))
    usable = [variant for variant in line if obstacles.is_sendable(variant, around)]
    counts = forecast.messages(demand, step.delay, [(v.channel, v.weight) for v in usable])
    expected = {id(v): count for v, count in zip(usable, counts, strict=True)}
    mine = {key: outcome for key, outcome in results.items() if key[0] == step.key}
    variants = tuple(
        _variant(variant, step, around, expected.get(id(variant), 0.0), mine)
        for variant in step.variants
    )
    place = next(number for number, other in enumerate(ordered) if other is step)
    present = {variant.key for variant in step.variants}
    return StepOutlook(
        draft=step,
        variants=variants,
        obstacles=tuple(obstacles.of_step(step, ordered[:place], around)),
        windows=tuple(obstacles.windows(step, around.markets[0][0])),
        former=_together(outcome for key, outcome in mine.items() if key[1] not in present),
    )


def _variant(
    variant: VariantDraft,
    step: StepDraft,
    around: Surroundings,
    messages: float,
    results: Mapping[tuple[object, ...], Outcome],
) -> VariantOutlook:
    facts = around.templates.get((variant.template_code, variant.channel))
    counts = around.reach.get(variant.channel, {})
    parts = facts.parts if facts is not None else 0
    return VariantOutlook(
        name=variant_name(variant.channel, variant.label),
        channel=variant.channel,
        weight=variant.weight,
        reached=counts.get("reached"),
        addresses=counts.get("addresses"),
        is_about=counts.get("one_in", 1) > 1,
        messages=messages,
        cost=forecast.cost(variant.channel, messages, parts=max(parts, 1)),
        parts=parts,
        outcome=results.get((step.key, variant.key), Outcome()) if variant.key else Outcome(),
        obstacles=tuple(obstacles.of_variant(variant, step, around)),
    )


def _of_campaign(draft: CampaignDraft, ordered: Sequence[StepDraft]) -> Iterable[Obstacle]:
    if not ordered:
        yield Obstacle(Severity.STOP, _("The campaign has no steps. Add one."))
    rival = _others(draft).filter(priority__lte=draft.priority).order_by("priority", "pk").first()
    if rival is not None and (rival.priority, rival.pk) < (draft.priority, draft.key or 2**63):
        yield Obstacle(
            Severity.STOP,
            _("“%(name)s” has the same trigger, is active and goes first: this campaign would get "
              "nothing. Pause that one, or give this one a smaller priority number.")
            % {"name": rival.name},
        )  # fmt: skip


def _taken_over(draft: CampaignDraft) -> list[str]:
    """Names of active campaigns that would get nothing more once this one is on."""
    behind = _others(draft).filter(priority__gte=draft.priority)
    return [c.name for c in behind if (c.priority, c.pk) > (draft.priority, draft.key or 2**63)]


def _others(draft: CampaignDraft) -> QuerySet[Campaign]:
    return Campaign.objects.filter(is_active=True, trigger=draft.trigger).exclude(pk=draft.key or 0)


def _paused() -> frozenset[str]:
    paused = ChannelStatus.objects.filter(paused_at__isnull=False)
    return frozenset(paused.values_list("channel", flat=True))


def _templates(steps: Iterable[StepDraft]) -> dict[tuple[str, str], TemplateFacts]:
    """Facts of the templates that the steps name. Two queries, and one rendering per template."""
    wanted = {(v.template_code, v.channel) for step in steps for v in step.variants}
    rows = MessageTemplate.objects.filter(code__in={code for code, _channel in wanted})
    found: dict[tuple[str, str], TemplateFacts] = {}
    for row in rows:
        key = (row.code, row.channel)
        if key not in wanted or row.channel not in configured_aliases():
            continue
        before = found.get(key, TemplateFacts(frozenset(), has_voucher=True))
        names = advertises(
            Content(row.language, row.subject, row.preheader, row.html, row.text, about=row.about)
        )
        found[key] = TemplateFacts(
            before.languages | {normalized(row.language)},
            before.has_voucher and "voucher" in names,
            about=row.about,
            advertising=before.advertising | set(names),
        )
    return _tried_out(found)


def _tried_out(
    found: Mapping[tuple[str, str], TemplateFacts],
) -> dict[tuple[str, str], TemplateFacts]:
    """The same with SMS parts, or with why the template cannot be rendered."""
    keys = list(found)
    requests = []
    for code, channel in keys:
        kind = get_channel(channel).address_kind
        sample = sample_request(kind, conf.LANGUAGES[0], found[code, channel].about)
        requests.append(
            replace(sample, channel=channel, template_code=code, voucher=sample_voucher())
        )
    tried: dict[tuple[str, str], TemplateFacts] = {**found}
    for key, rendered in zip(keys, render_batch(requests), strict=True):
        if isinstance(rendered, RenderingError):
            # the imprint is the shop's fault, and told by itself
            problem = "" if rendered.field == "imprint" else rendered.reason
            tried[key] = replace(found[key], problem=problem)
        else:
            tried[key] = replace(found[key], parts=rendered.sms_parts)
    return tried


def _sum(costs: Iterable[tuple[Decimal, str] | None]) -> list[tuple[Decimal, str]]:
    totals: dict[str, Decimal] = {}
    for cost in costs:
        if cost is not None:
            amount, currency = cost
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    return [(amount, currency) for currency, amount in sorted(totals.items())]


def _together(found: Iterable[Outcome]) -> Outcome:
    total = Outcome()
    for outcome in found:
        total.sent += outcome.sent
        total.clicked += outcome.clicked
        total.recovered += outcome.recovered
        for currency, amount in outcome.revenue.items():
            total.revenue[currency] = total.revenue.get(currency, Decimal(0)) + amount
    return total
