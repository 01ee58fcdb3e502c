"""Filters of the long lists. None asks the table which values it holds: that would read all of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.conf import conf
from cart_recovery.models import Campaign, Step

Choice = tuple[str, Any]
#: a filter with more values than this is closed until it is used
LONG: Final = 12
LONG_TEMPLATE: Final = "admin/cart_recovery/long_filter.html"


class ChoiceFilter(admin.SimpleListFilter):
    """One of a fixed list of values. `field` is the path of what is compared."""

    field = ""
    #: values that an index of their own finds: a page with one of them looks as far as it must
    indexed_values: ClassVar[Collection[str]] = ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in {choice for choice, _title in self.lookup_choices}:
            raise IncorrectLookupParameters(f"{self.parameter_name}={value}")
        return queryset.filter(self.condition(value))

    def condition(self, value: str) -> Q:
        return Q(**{self.field: value})

    @property
    def is_active(self) -> bool:
        return self.value() is not None

    @property
    def is_indexed(self) -> bool:
        return self.value() in self.indexed_values


def choice_filter(
    path: str, heading: Any, values: Collection[Choice], *, indexed: Collection[str] = ()
) -> type[ChoiceFilter]:
    """A filter by a field with choices."""

    class Filter(ChoiceFilter):
        title = heading
        template = LONG_TEMPLATE if len(values) > LONG else ChoiceFilter.template
        parameter_name = path
        field = path
        indexed_values = indexed

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
            return list(values)

    return Filter


class ChannelFilter(ChoiceFilter):
    title = _("channel")
    parameter_name = "channel"
    field = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(alias, channel_name(alias)) for alias in configured_aliases()]


class PreferredChannelFilter(ChannelFilter):
    title = _("preferred channel")
    parameter_name = "preferred_channel"
    field = "preferred_channel"


class LanguageFilter(ChoiceFilter):
    title = _("language")
    parameter_name = "language"
    field = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(code, code) for code in conf.LANGUAGES]


class CampaignFilter(ChoiceFilter):
    """`field` leads to the campaign, or with `by_step` to the step: one join less."""

    title = _("campaign")
    parameter_name = "campaign"
    field = "campaign"
    by_step = False

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [(str(pk), name) for pk, name in Campaign.objects.values_list("pk", "name")]

    def condition(self, value: str) -> Q:
        if not self.by_step:
            return super().condition(value)
        steps = list(
            Step.objects.filter(campaign=int(value)).order_by().values_list("pk", flat=True)
        )
        return Q(**{f"{self.field}__in": steps})


class ProblemFilter(ChoiceFilter):
    """Only what went wrong. `problems` says what that is."""

    title = pgettext_lazy("filter", "problems")
    parameter_name = "problems"
    indexed_values = ("yes",)
    problems = Q()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Choice]:
        return [("yes", _("only problems"))]

    def condition(self, value: str) -> Q:
        return self.problems


class PeriodFilter(admin.ListFilter):
    """From one day to another, both included, in the time zone at hand.

    `field` has an index: with a period the list is ordered by it.
    """

    title = _("period")
    template = "admin/cart_recovery/period_filter.html"
    field = "created_at"
    is_indexed = True
    SINCE = "since"
    UNTIL = "until"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: Any,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        field: Any = model._meta.get_field(self.field)
        self.title = field.verbose_name
        self.others = {
            name: value for name, value in request.GET.items()
            if name not in (self.SINCE, self.UNTIL, "older", "newer", "e")
        }  # fmt: skip
        self.since = self._read(params, self.SINCE)
        self.until = self._read(params, self.UNTIL)

    def _read(self, params: dict[str, Any], name: str) -> dt.date | None:
        given = params.pop(name, [""])
        text = given[-1] if isinstance(given, list) else given
        try:
            return parse_date(text) if text else None
        except ValueError as error:
            raise IncorrectLookupParameters(name) from error

    @property
    def is_active(self) -> bool:
        return self.since is not None or self.until is not None

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [self.SINCE, self.UNTIL]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            if self.since is not None:
                queryset = queryset.filter(**{f"{self.field}__gte": _midnight(self.since)})
            if self.until is not None:
                after = _midnight(self.until + dt.timedelta(days=1))
                queryset = queryset.filter(**{f"{self.field}__lt": after})
        except OverflowError as error:
            raise IncorrectLookupParameters(self.UNTIL) from error
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Some periods to choose with one click; the template has fields for any other."""
        today = timezone.localdate()
        presets = [
            (_("Any date"), None),
            (_("Today"), today),
            (_("Past 7 days"), today - dt.timedelta(days=6)),
            (_("Past 30 days"), today - dt.timedelta(days=29)),
            (_("Past 90 days"), today - dt.timedelta(days=89)),
        ]
        for title, since in presets:
            yield {
                "display": title,
                "selected": self.since == since and self.until is None,
                "query_string": changelist.get_query_string(
                    {self.SINCE: since.isoformat()} if since else {}, [self.SINCE, self.UNTIL]
                ),
            }


def period_filter(path: str) -> type[PeriodFilter]:
    """A filter by a moment that has an index."""

    class Filter(PeriodFilter):
        field = path

    return Filter


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
