"""Blocked addresses: staff may block one, and free one with a reason. Nothing goes in silence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import LIFT
from cart_recovery.admin.bases import AnyModelForm
from cart_recovery.admin.filters import ChannelFilter, choice_filter
from cart_recovery.admin.lists import LargeListAdmin, ReadOnlyAdmin
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.conf import conf
from cart_recovery.consent.addresses import address_kind_of
from cart_recovery.consent.suppression import lift
from cart_recovery.contacts.addresses import (
    address_digest,
    digests_of,
    normalize_email,
    parse_phone,
)
from cart_recovery.exceptions import ChannelConfigurationError, InvalidAddressError
from cart_recovery.models import Suppression, SuppressionChange
from cart_recovery.provider_events import SuppressionReason

SOURCE = "admin"
NOTE_HELP = _("For the record; please do not write the address itself.")


class BlockForm(AnyModelForm):
    """The address is typed, its hash is kept."""

    channel = forms.ChoiceField(label=_("channel"))
    address = forms.CharField(label=_("address"), max_length=254)
    note = forms.CharField(label=_("why"), max_length=500, help_text=NOTE_HELP)

    class Meta:
        model = Suppression
        fields = ("channel",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(alias, channel_name(alias)) for alias in configured_aliases()]
        self.fields["channel"].choices = names  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "channel" in values and "address" in values:
            self.instance.address_digest = _digest(values["channel"], values.pop("address"))
            self.instance.reason = SuppressionReason.STAFF
            self.instance.source = SOURCE
            self._refuse_twice(values["channel"])
        return values

    def _refuse_twice(self, channel: str) -> None:
        rows = Suppression.objects.filter(
            channel=channel, address_digest=self.instance.address_digest
        )
        if rows.exists():
            raise ValidationError(_("This address is blocked on this channel already."))


class LiftForm(forms.Form):
    note = forms.CharField(label=_("why"), max_length=500, help_text=NOTE_HELP)


@admin.register(Suppression)
class SuppressionAdmin(PagesAdmin, LargeListAdmin):
    pages = (("<int:key>/lift/", "lift_view", LIFT),)
    list_display = ["created_at", "channel", "reason", "source"]
    list_filter = [ChannelFilter, choice_filter("reason", _("reason"), Suppression.REASONS)]
    search_fields = ["address_digest"]
    search_help_text = _("A whole e-mail address or phone number.")
    form = BlockForm
    actions = None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the hash of the address: the list itself holds no address."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(address_digest__in=digests_of(term)), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["channel", "address", "note"]
        return ["channel", "reason", "source", "address_digest", "created_at"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An address is freed with a reason, on a page of its own."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        user: Any = request.user
        SuppressionChange.objects.create(
            channel=obj.channel, address_digest=obj.address_digest, reason=obj.reason,
            source=SOURCE, change=SuppressionChange.Change.ADDED, user=user,
            note=form.cleaned_data["note"],
        )  # fmt: skip

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "may_lift": request.user.has_perm(LIFT)}
        return super().change_view(request, object_id, form_url, context)

    def lift_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Free an address: a reason is asked for and kept, with who gave it."""
        row = self.row(key)
        form = LiftForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            lift(
                row.channel, row.address_digest, reasons=None, source=SOURCE,
                note=form.cleaned_data["note"], user=request.user,
            )  # fmt: skip
            self.log_change(request, row, str(_("The address was freed.")))
            self.message_user(request, _("The address was freed."), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:cart_recovery_suppression_changelist"))
        return self.page(
            request, "suppression/lift.html", title=_("Free this address"), original=row, form=form
        )


@admin.register(SuppressionChange)
class SuppressionChangeAdmin(ReadOnlyAdmin):
    list_display = ["changed_at", "channel", "change", "reason", "source", "note", "user"]
    list_filter = [
        ChannelFilter, choice_filter("change", _("change"), SuppressionChange.Change.choices),
        choice_filter("reason", _("reason"), Suppression.REASONS),
    ]  # fmt: skip
    list_select_related = ["user"]
    search_fields = ["address_digest"]
    search_help_text = _("A whole e-mail address or phone number.")
    get_search_results = SuppressionAdmin.get_search_results


def _digest(channel: str, address: str) -> str:
    """Raises ValidationError for what the channel could not use as an address."""
    try:
        kind = address_kind_of(channel)
        if kind == "email":
            return address_digest(kind, normalize_email(address)[0])
        return address_digest(kind, parse_phone(address, conf.DEFAULT_COUNTRY))
    except (InvalidAddressError, ChannelConfigurationError):
        raise ValidationError(
            {"address": _("This is no address that the channel could use.")}
        ) from None
