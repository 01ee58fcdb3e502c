"""What is held on a person, table by table: the one list that the export and its page are made of.

A table that holds something of a person and stands neither here nor in `erasure` is a mistake;
tests/privacy compares both with the models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cart_recovery.models import (
    CheckoutTrouble,
    ConsentRecord,
    ConsentState,
    Contact,
    Conversion,
    DataLink,
    DeliveryEvent,
    Enrolment,
    FollowUp,
    LineReview,
    LinkClick,
    Message,
    Notice,
    OptIn,
    OrderMilestone,
    Reply,
    RestoreLink,
    ReviewLink,
    ServiceRating,
    StaffTask,
    Suppression,
    SuppressionChange,
    TrackedCart,
    TrackedOrder,
    VoucherGrant,
    WebhookPayload,
)
from cart_recovery.privacy.subjects import Subject
from cart_recovery.privacy.webhooks import parts_about
from cart_recovery.shop.baskets import load_baskets

#: rows read at a time
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Section:
    """One table: `fields` are paths as `values()` takes them, `whose` finds a person's rows."""

    name: str
    title: Promise
    model: type[Model]
    fields: tuple[str, ...]
    whose: Callable[[Subject], Q]
    #: made from the rest of the row, and what must be read for it but is not shown
    complete: Callable[[Subject, list[dict[str, Any]]], None] | None = None
    hidden: tuple[str, ...] = field(default=())

    def rows(self, subject: Subject, *, newest: int | None = None) -> Iterator[dict[str, Any]]:
        """The person's rows, oldest first; `newest` cuts to that many, the newest first."""
        found = self.query(subject)
        if newest is not None:
            yield from self._finish(subject, list(found.order_by("-pk")[:newest]))
            return
        chunk: list[dict[str, Any]] = []
        for row in found.order_by("pk").iterator(chunk_size=CHUNK):
            chunk.append(row)
            if len(chunk) == CHUNK:
                yield from self._finish(subject, chunk)
                chunk = []
        yield from self._finish(subject, chunk)

    def query(self, subject: Subject) -> QuerySet[Any, dict[str, Any]]:
        rows = self.model._base_manager.filter(self.whose(subject))
        return rows.values(*self.fields, *self.hidden)

    def _finish(self, subject: Subject, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.complete is not None and rows:
            self.complete(subject, rows)
        for row in rows:
            for name in self.hidden:
                row.pop(name, None)
        return rows


def _through(path: str) -> Callable[[Subject], Q]:
    return lambda subject: Q(**{f"{path}__in": subject.ids})


def _by_digest(subject: Subject) -> Q:
    return Q(address_digest__in=subject.digests)


def _add_contents(subject: Subject, rows: list[dict[str, Any]]) -> None:
    """What lies in the baskets now."""
    baskets = load_baskets({row["basket_id"] for row in rows} - {None})
    for row in rows:
        basket = baskets.get(row["basket_id"])
        row["contents"] = [
            {"title": line.title, "quantity": line.quantity, "options": dict(line.options)}
            for line in (basket.lines if basket else ())
        ]


def _name_contents(_subject: Subject, rows: list[dict[str, Any]]) -> None:
    """What the basket held when the message was made."""
    for row in rows:
        row["contents"] = [{"title": c["t"], "quantity": c["q"]} for c in row["contents"]]


def _cut_to_person(subject: Subject, rows: list[dict[str, Any]]) -> None:
    """A provider reports on many people in one webhook: others' parts are none of this one's."""
    for row in rows:
        row["body"] = parts_about(subject.addresses, row["body"])


SECTIONS: Final = (
    Section(
        "contacts", _("You"), Contact,
        ("id", "email", "phone", "user_id", "language", "country", "time_zone",
         "preferred_channel", "paused_until", "created_at", "erased_at", "merged_into_id"),
        _through("pk"),
    ),
    Section(
        "permissions", _("What you agree to now"), ConsentState,
        ("channel", "purpose", "action", "method", "since"), _through("contact"),
    ),
    Section(
        "consents", _("What you agreed to and took back"), ConsentRecord,
        ("recorded_at", "channel", "purpose", "action", "method", "wording__code",
         "wording__language", "wording__version", "wording__text", "source", "source_url",
         "evidence", "address_digest"),
        _through("contact"),
    ),
    Section(
        "opt_ins", _("Double opt-ins"), OptIn,
        ("requested_at", "channel", "purposes", "wording__text", "state", "language", "source",
         "source_url", "expires_at", "settled_at", "confirmed_by"),
        _through("contact"),
    ),
    Section(
        "suppressions", _("Addresses we do not use"), Suppression,
        ("created_at", "channel", "reason", "source"), _by_digest,
    ),
    Section(
        "suppression_changes", _("Changes of blocked addresses"), SuppressionChange,
        ("changed_at", "channel", "change", "reason", "source", "note"), _by_digest,
    ),
    Section(
        "carts", _("Your baskets"), TrackedCart,
        ("id", "created_at", "state", "state_reason", "stage", "language", "last_activity_at",
         "abandoned_at", "closed_at", "line_count", "total", "currency", "order__number",
         "is_machine"),
        _through("contact"), _add_contents, ("basket_id",),
    ),
    Section(
        "troubles", _("Checkouts of yours that failed"), CheckoutTrouble,
        ("occurred_at", "cart_id", "kind", "reason", "stage"),
        lambda subject: Q(contact__in=subject.ids) | Q(cart__contact__in=subject.ids),
    ),
    Section(
        "orders", _("Your orders, as far as we wrote to you about them"), TrackedOrder,
        ("id", "order__number", "created_at", "language"), _through("contact"),
    ),
    Section(
        "milestones", _("How far your orders got"), OrderMilestone,
        ("tracked_id", "kind", "line__title", "quantity", "reached_at"),
        _through("tracked__contact"),
    ),
    Section(
        "enrolments", _("Reminders planned for you"), Enrolment,
        ("id", "campaign__name", "cart_id", "order_id", "state", "reason", "enrolled_at", "clock_at",
         "ended_at"),
        _through("contact"),
    ),
    Section(
        "followups", _("Steps of the reminders"), FollowUp,
        ("id", "enrolment_id", "step__position", "state", "reason", "planned_for", "due_at",
         "choice_reason", "ended_at"),
        _through("enrolment__contact"),
    ),
    Section(
        "notices", _("What we had to tell you"), Notice,
        ("kind", "channel", "language", "state", "reason", "created_at", "due_at", "ended_at"),
        _through("contact"),
    ),
    Section(
        "messages", _("Messages to you"), Message,
        ("id", "followup_id", "notice_id", "channel", "language", "state", "reason", "detail",
         "to_address", "subject", "text", "html", "provider_message_id", "created_at",
         "sent_at", "delivered_at", "emptied_at"),
        _through("contact"),
    ),
    Section(
        "events", _("What providers reported"), DeliveryEvent,
        ("message_id", "channel", "kind", "occurred_at", "received_at", "code", "detail",
         "is_machine"),
        _through("message__contact"),
    ),
    Section(
        "links", _("Links to your basket"), RestoreLink,
        ("id", "cart_id", "followup_id", "created_at", "expires_at", "clicked_at", "contents"),
        _through("contact"), _name_contents,
    ),
    Section(
        "clicks", _("Links you followed"), LinkClick,
        ("link_id", "clicked_at", "is_machine"), _through("link__contact"),
    ),
    Section(
        "vouchers", _("Vouchers for you"), VoucherGrant,
        ("followup_id", "code", "created_at", "expires_at", "settled_at"),
        lambda subject: Q(followup__enrolment__contact__in=subject.ids)
        | Q(contact__in=subject.ids),
    ),
    Section(
        "review_links", _("Links to review your orders"), ReviewLink,
        ("id", "order__number", "followup_id", "created_at", "expires_at", "answered_at"),
        _through("contact"),
    ),
    Section(
        "reviews", _("Your reviews"), LineReview,
        ("order__number", "link_id", "review__product__title", "review__score", "review__title",
         "review__body", "review__name", "review__email", "photo", "written_at", "edited_at"),
        _through("contact"),
    ),
    Section(
        "ratings", _("Your ratings of our service"), ServiceRating,
        ("order__number", "score", "best", "worst", "source", "comment", "followup_id", "rated_at",
         "changed_at"),
        _through("contact"),
    ),
    Section(
        "tasks", _("What staff looked after for you"), StaffTask,
        ("kind", "order__number", "opened_at", "closed_at", "note"), _through("contact"),
    ),
    Section(
        "replies", _("Your answers"), Reply,
        ("received_at", "channel", "sender", "body", "keyword"),
        lambda subject: Q(contact__in=subject.ids) | Q(sender__in=subject.phones),
    ),
    Section(
        "conversions", _("Orders credited to a message"), Conversion,
        ("order_number", "message_id", "channel", "basis", "amount", "refunded_amount",
         "currency", "credited_at", "reversed_at"),
        _through("contact"),
    ),
    Section(
        "webhooks", _("Providers' reports as they came"), WebhookPayload,
        ("received_at", "channel", "body"),
        lambda subject: Q(pk__in=subject.webhook_ids()), _cut_to_person,
    ),
    Section(
        "data_links", _("Links to this page"), DataLink,
        ("created_at", "expires_at"), _through("contact"),
    ),
)  # fmt: skip
