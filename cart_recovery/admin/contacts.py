"""Contacts, their permissions and what they said. Names and addresses only for who may see them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import may_see_persons
from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.filters import (
    ChannelFilter,
    LanguageFilter,
    PreferredChannelFilter,
    choice_filter,
    period_filter,
)
from cart_recovery.admin.links import admin_link, admin_link_by_key
from cart_recovery.admin.lists import LargeListAdmin, ReadOnlyAdmin
from cart_recovery.admin.personal_data import PersonalDataAdmin
from cart_recovery.admin.persons import PersonSearchAdmin, contacts_of
from cart_recovery.admin.stories import StoryAdmin
from cart_recovery.channels.names import channel_name
from cart_recovery.contacts.masking import DOTS, masked, without_addresses
from cart_recovery.models import (
    ConsentAction,
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Contact,
    Purpose,
    Reply,
)
from cart_recovery.stories import scopes


class ConsentStateInline(AnyTabularInline):
    model = ConsentState
    extra = 0
    can_delete = False
    readonly_fields = ["channel", "purpose", "action", "since"]
    fields = [*readonly_fields]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _masked_email(_row: Any, address: str) -> str:
    return masked("email", address)


def _masked_phone(_row: Any, number: str) -> str:
    return masked("phone", number)


@admin.register(Contact)
class ContactAdmin(StoryAdmin, PersonalDataAdmin, LargeListAdmin):
    list_display = ["pk", "email", "phone", "language", "preferred_channel", "created_at"]
    list_filter = [period_filter("created_at"), LanguageFilter, PreferredChannelFilter]
    search_fields = ["email_key"]
    masked = {"email": "masked_email", "phone": "masked_phone", "user_link": "masked_user"}
    fields = [
        "user_link", "email", "phone", "language", "country", "time_zone", "preferred_channel",
        "merged_into", "created_at", "erased_at",
    ]  # fmt: skip
    readonly_fields = [
        "user_link", "email", "phone", "merged_into", "created_at", "erased_at",
    ]  # fmt: skip
    inlines = [ConsentStateInline]
    csv_fields = (
        "pk", "email", "phone", "language", "country", "time_zone", "preferred_channel",
        "created_at", "erased_at",
    )  # fmt: skip
    csv_masked = {"email": _masked_email, "phone": _masked_phone}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Contacts come from the shop, with their consent."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A contact's proofs of consent must stay; erasing is not deleting."""
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist: Any = super().get_changelist_instance(request)
        changelist.search_help_text = (
            _("A whole e-mail address or phone number, or how the address begins.")
            if may_see_persons(request)
            else _("A whole e-mail address or phone number.")
        )
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By index only: the whole address or number in any spelling, or how the address begins."""
        if not search_term.strip():
            return queryset, False
        found = contacts_of(search_term, may_begin=may_see_persons(request))
        return queryset.filter(pk__in=found), False

    def scope_of(self, row: Any) -> scopes.Scope:
        return scopes.of_contact(row.pk)

    @admin.display(description=_("user"))
    def user_link(self, contact: Contact) -> SafeString | str:
        return admin_link(contact.user)

    @admin.display(description=_("user"))
    def masked_user(self, contact: Contact) -> str:
        """The name of a user is often an address."""
        return "-" if contact.user_id is None else DOTS

    @admin.display(description=_("e-mail address"))
    def masked_email(self, contact: Contact) -> str:
        return masked("email", contact.email) or "-"

    @admin.display(description=_("phone number"))
    def masked_phone(self, contact: Contact) -> str:
        return masked("phone", contact.address_for("phone")) or "-"


@admin.register(ConsentRecord)
class ConsentRecordAdmin(PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "recorded_at", "contact", "channel_label", "purpose", "action", "source",
    ]  # fmt: skip
    list_filter = [
        choice_filter("action", _("action"), ConsentAction.choices), period_filter("recorded_at"),
        ChannelFilter, choice_filter("purpose", _("purpose"), Purpose.choices),
    ]  # fmt: skip
    lookups = ("contact",)
    list_select_related = ["contact"]
    list_deferred = ("evidence",)
    masked = {"evidence": "masked_evidence"}
    csv_fields = (
        "pk", "recorded_at", "contact_id", "channel", "purpose", "action", "method", "source",
    )  # fmt: skip

    @admin.display(description=_("channel"))
    def channel_label(self, record: ConsentRecord) -> str:
        return channel_name(record.channel)

    @admin.display(description=_("evidence"))
    def masked_evidence(self, record: ConsentRecord) -> str:
        return without_addresses(record.evidence) or "-"


@admin.register(ConsentWording)
class ConsentWordingAdmin(ReadOnlyAdmin):
    list_display = ["code", "language", "version", "channel", "created_at"]
    list_filter = [ChannelFilter, LanguageFilter]


@admin.register(Reply)
class ReplyAdmin(PersonSearchAdmin, ReadOnlyAdmin):
    list_display = ["pk", "received_at", "channel_label", "contact_link", "keyword", "body"]
    list_filter = [period_filter("received_at"), ChannelFilter]
    lookups = ("contact",)
    masked = {"body": "masked_body", "sender": "masked_sender"}
    csv_fields = ("pk", "received_at", "channel", "contact_id", "sender", "keyword", "body")
    csv_masked = {"sender": _masked_phone, "body": lambda _row, _text: DOTS}

    @admin.display(description=_("contact"))
    def contact_link(self, reply: Reply) -> SafeString | str:
        title = _("Contact %(pk)s") % {"pk": reply.contact_id}
        return admin_link_by_key("cart_recovery", "contact", reply.contact_id, title)

    @admin.display(description=_("channel"))
    def channel_label(self, reply: Reply) -> str:
        return channel_name(reply.channel)

    @admin.display(description=_("text"))
    def masked_body(self, reply: Reply) -> str:
        """What people write may name anybody."""
        return DOTS

    @admin.display(description=_("sender"))
    def masked_sender(self, reply: Reply) -> str:
        return masked("phone", reply.sender)
