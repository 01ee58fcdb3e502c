"""Reviews that were written behind our links: the list, what came of the requests, what waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin import periods
from cart_recovery.admin.access import SEE_CAMPAIGNS, SEE_REPORTS, SEE_REVIEWS
from cart_recovery.admin.dashboard import Bar, Writer, today
from cart_recovery.admin.durations import duration_text
from cart_recovery.admin.exporting import Told
from cart_recovery.admin.filters import ChoiceFilter, choice_filter, period_filter
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.admin.persons import PersonSearchAdmin
from cart_recovery.admin.ratings import contact_cell, order_cell
from cart_recovery.admin.states import badge
from cart_recovery.channels.names import channel_name
from cart_recovery.models import Campaign, LineReview, ReviewLink, Step, Trigger, Variant
from cart_recovery.reports.reviews import OfScale, Results, kept_results
from cart_recovery.reviews.links import scores_of
from cart_recovery.reviews.standing import complaints_about
from cart_recovery.shop.reviews import (
    ReviewStatus,
    may_moderate,
    moderation_path,
    review_status,
    stored_statuses,
)

#: rows of the queue
MOST_WAITING: Final = 100
#: reviews from before that are found in Oscar's own list
QUEUE_REACHES: Final = dt.timedelta(days=365)
STATUSES: Final = {
    ReviewStatus.WAITING: ("wait", _("to be moderated")),
    ReviewStatus.PUBLISHED: ("good", _("published")),
    ReviewStatus.REJECTED: ("gone", _("not published")),
}


class StatusFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(status), label) for status, (_tone, label) in STATUSES.items()]

    def condition(self, value: str) -> Q:
        return Q(review__status=stored_statuses()[ReviewStatus(value)])


@admin.register(LineReview)
class LineReviewAdmin(PagesAdmin, PersonSearchAdmin, ReadOnlyAdmin):
    pages = (
        ("results/", "results_view", SEE_REPORTS),
        ("queue/", "queue_view", SEE_REVIEWS),
    )
    change_list_template = "admin/cart_recovery/linereview/change_list.html"
    list_display = [
        "pk", "status_badge", "written_at", "stars", "title_link", "has_photo", "contact_link",
        "order_link",
    ]  # fmt: skip
    list_filter = [
        period_filter("written_at"), StatusFilter,
        choice_filter("review__score", _("stars"), [(str(n), str(n)) for n in range(1, 6)]),
    ]  # fmt: skip
    lookups = ("contact",)
    list_select_related = ["order", "review__product"]
    readonly_fields = [
        "status_badge", "product", "stars", "title_link", "text", "photo_link", "contact_link",
        "order_link", "written_at", "edited_at",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = (
        "pk", "written_at", "edited_at", "review.product.title", "review.score", "review.title",
        "review.status", "contact_id", "order_id",
    )  # fmt: skip
    #: Oscar's own words for them are not translated, or name the relation
    csv_told: ClassVar[Mapping[str, Told]] = {
        "review.product.title": (_("product"), lambda row: _of_review(row, _title)),
        "review.score": (_("stars"), lambda row: _of_review(row, lambda review: review.score)),
        "review.title": (_("headline"), lambda row: _of_review(row, lambda review: review.title)),
        "review.status": (
            _("state"), lambda row: _of_review(row, lambda r: STATUSES[review_status(r)][1])
        ),
    }  # fmt: skip

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._led(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._led(request, super().get_fields(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._led(request, super().get_readonly_fields(request, obj))

    @staticmethod
    def _led(request: HttpRequest, names: Any) -> list[Any]:
        """Oscar's page is linked for who may decide there."""
        if may_moderate(request.user):
            return list(names)
        return ["headline" if name == "title_link" else name for name in names]

    def results_view(self, request: HttpRequest) -> HttpResponse:
        """What came of the requests, and who is asked when and how."""
        asked = periods.read(request.GET.dict(), today())
        counted_at, results = kept_results(asked.period)
        return self.page(
            request, "linereview/results.html", title=_("Results of review requests"),
            asked=asked, presets=periods.PRESETS, counted_at=counted_at,
            since=asked.since or asked.period.since.isoformat(),
            until=asked.until or asked.period.until.isoformat(), today=today().isoformat(),
            campaigns=_campaigns(), may_see_campaigns=request.user.has_perm(SEE_CAMPAIGNS),
            **_told(results),
        )  # fmt: skip

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """What waits for moderation, the oldest first; deciding is done in Oscar's dashboard."""
        since = timezone.now() - QUEUE_REACHES
        waiting = stored_statuses()[ReviewStatus.WAITING]
        rows = list(
            LineReview.objects.filter(written_at__gte=since, review__status=waiting)
            .select_related("review__product")
            .order_by("written_at", "pk")[: MOST_WAITING + 1]
        )
        unhappy = complaints_about({row.order_id for row in rows if row.order_id is not None})
        first = {row.review_id: row for row in reversed(rows[:MOST_WAITING])}
        return self.page(
            request, "linereview/queue.html", title=_("Reviews to be moderated"),
            rows=[
                {"row": row, "review": row.review, "is_unhappy": row.order_id in unhappy,
                 "path": moderation_path(row.review_id)}
                for row in sorted(first.values(), key=lambda r: (r.written_at, r.pk))
            ],
            is_cut=len(rows) > MOST_WAITING, most=MOST_WAITING,
            may_moderate=may_moderate(request.user),
        )  # fmt: skip

    @admin.display(description=_("state"))
    def status_badge(self, row: LineReview) -> SafeString:
        if row.review is None:
            return badge("gone", _("deleted"))
        return badge(*STATUSES[review_status(row.review)])

    @admin.display(description=_("stars"))
    def stars(self, row: LineReview) -> str:
        return str(row.review.score) if row.review is not None else "-"

    @admin.display(description=_("product"))
    def product(self, row: LineReview) -> str:
        return str(_of_review(row, _title)) or "-"

    @admin.display(description=_("headline"))
    def title_link(self, row: LineReview) -> SafeString | str:
        if row.review is None:
            return "-"
        path = moderation_path(row.review_id)
        title = row.review.title
        return format_html('<a href="{}">{}</a>', path, title) if path else title

    @admin.display(description=_("headline"))
    def headline(self, row: LineReview) -> str:
        return row.review.title if row.review is not None else "-"

    @admin.display(description=_("text"))
    def text(self, row: LineReview) -> str:
        return row.review.body if row.review is not None else "-"

    @admin.display(description=_("photo"), boolean=True)
    def has_photo(self, row: LineReview) -> bool:
        return bool(row.photo)

    @admin.display(description=_("photo"))
    def photo_link(self, row: LineReview) -> SafeString | str:
        if not row.photo:
            return "-"
        return format_html('<a href="{}">{}</a>', row.photo.url, _("Show"))

    @admin.display(description=_("contact"))
    def contact_link(self, row: LineReview) -> SafeString | str:
        return contact_cell(row)

    @admin.display(description=_("order"))
    def order_link(self, row: LineReview) -> SafeString | str:
        return order_cell(row)


@admin.register(ReviewLink)
class ReviewLinkAdmin(PersonSearchAdmin, ReadOnlyAdmin):
    list_display = ["pk", "created_at", "expires_at", "answered_at", "contact_link", "order_link"]
    list_filter = [period_filter("created_at")]
    lookups = ("contact",)
    list_select_related = ["order"]
    list_deferred = ("token_hash", "line_ids")
    readonly_fields = [
        "created_at", "expires_at", "answered_at", "contact_link", "order_link", "followup",
    ]  # fmt: skip
    fields = [*readonly_fields]

    contact_link = LineReviewAdmin.contact_link
    order_link = LineReviewAdmin.order_link


def _of_review(row: LineReview, told: Callable[[Any], Any]) -> Any:
    return told(row.review) if row.review is not None else ""


def _title(review: Any) -> str:
    return str(review.product.get_title()) if review.product is not None else ""


def _told(results: Results) -> dict[str, Any]:
    """The figures in words."""
    writer = Writer()
    return {
        "products": [
            (row.title, writer.number(row.asked), writer.number(row.reviewed), _number(row.stars))
            for row in results.products
        ],
        "has_more_products": results.has_more_products,
        "ways": [
            (channel_name(way.channel), duration_text(way.delay), writer.number(way.asked),
             writer.number(way.answered), writer.share(way.share))
            for way in results.ways
        ],
        "scales": [
            {"best": scale.best, "worst": scale.worst, "count": scale.count,
             "average": _number(scale.average), "bars": _bars(scale, writer)}
            for scale in results.scales
        ],
        "has_many_scales": len(results.scales) > 1,
    }  # fmt: skip


def _bars(scale: OfScale, writer: Writer) -> list[Bar]:
    """One for each rating of the scale, the best first."""
    widest = max(scale.ratings.values(), default=0) or 1
    return [
        Bar(str(score), writer.number(count),
            writer.share(Decimal(count) / scale.count) if scale.count else "",
            f"{100 * count / widest:.1f}")
        for score in scores_of(scale.best, scale.worst)
        for count in (scale.ratings.get(score, 0),)
    ]  # fmt: skip


def _number(value: Decimal | None) -> str:
    return number_format(value, use_l10n=True) if value is not None else "–"


def _campaigns() -> list[dict[str, Any]]:
    """Who is asked when and how. Four queries."""
    variants = Prefetch("variants", queryset=Variant.objects.order_by("-weight", "pk"))
    steps = Prefetch("steps", queryset=Step.objects.order_by("position").prefetch_related(variants))
    campaigns = Campaign.objects.filter(trigger=Trigger.REVIEW_REQUEST)
    return [
        {
            "campaign": campaign,
            "starts_with": campaign.get_starts_with_display(),
            "thanks": campaign.thanks,
            "steps": [
                (duration_text(step.delay),
                 ", ".join(f"{channel_name(v.channel)} ({v.weight})" for v in step.variants.all()))
                for step in campaign.steps.all()
            ],
        }
        for campaign in campaigns.select_related("thanks").prefetch_related(steps)
    ]  # fmt: skip
