"""Contacts, their permissions and what they said."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import may_see_persons
from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.links import admin_link, admin_link_by_key
from cart_recovery.admin.lists import LargeListAdmin, ReadOnlyAdmin
from cart_recovery.admin.personal_data import PersonalDataAdmin
from cart_recovery.conf import conf
from cart_recovery.contacts.addresses import parse_phone
from cart_recovery.contacts.masking import masked
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import (
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Contact,
    Reply,
)


class ConsentStateInline(AnyTabularInline):
    model = ConsentState
    extra = 0
    can_delete = False
    readonly_fields = ["channel", "purpose", "action", "since"]
    fields = [*readonly_fields]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(PersonalDataAdmin, LargeListAdmin):
    list_display = ["pk", "email", "phone", "language", "preferred_channel", "created_at"]
    list_filter = ["language", "preferred_channel"]
    search_fields = ["email_key"]
    search_help_text = _("A whole e-mail address or phone number, or how the address begins.")
    fields = [
        "user_link", "email", "phone", "language", "country", "time_zone", "preferred_channel",
        "merged_into", "created_at", "erased_at",
    ]  # fmt: skip
    readonly_fields = [
        "user_link", "email", "phone", "merged_into", "created_at", "erased_at",
    ]  # fmt: skip
    inlines = [ConsentStateInline]
    #: column -> what stands in its place for who may not see persons
    masked: ClassVar[Mapping[str, str]] = {"email": "masked_email", "phone": "masked_phone"}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown(request, self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown(request, self.readonly_fields)

    def _shown(self, request: HttpRequest, names: Any) -> list[Any]:
        return [*names] if may_see_persons(request) else [self.masked.get(n, n) for n in names]

    @admin.display(description=_("e-mail address"))
    def masked_email(self, contact: Contact) -> str:
        return masked("email", contact.email)

    @admin.display(description=_("phone number"))
    def masked_phone(self, contact: Contact) -> str:
        return masked("phone", contact.address_for("phone"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Contacts come from the shop, with their consent."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A contact's proofs of consent must stay; erasing is not deleting."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By index only: begin of the address, or the whole number in any spelling."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(email_key__startswith=term.casefold())
        with contextlib.suppress(InvalidAddressError):
            found |= Q(phone=parse_phone(term, conf.DEFAULT_COUNTRY))
        return queryset.filter(found), False

    @admin.display(description=_("user"))
    def user_link(self, contact: Contact) -> SafeString | str:
        return admin_link(contact.user)


@admin.register(ConsentRecord)
class ConsentRecordAdmin(ReadOnlyAdmin):
    list_display = ["recorded_at", "contact", "channel", "purpose", "action", "source"]
    list_filter = ["channel", "purpose", "action"]
    list_select_related = ["contact"]


@admin.register(ConsentWording)
class ConsentWordingAdmin(ReadOnlyAdmin):
    list_display = ["code", "language", "version", "channel", "created_at"]
    list_filter = ["channel", "language"]


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "channel", "contact_link", "keyword", "body"]
    list_filter = ["channel", "keyword"]

    @admin.display(description=_("contact"))
    def contact_link(self, reply: Reply) -> SafeString | str:
        return admin_link_by_key(
            "cart_recovery",
            "contact",
            reply.contact_id,
            _("Contact %(pk)s") % {"pk": reply.contact_id},
        )
