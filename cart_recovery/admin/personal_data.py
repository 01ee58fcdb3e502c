"""What staff do with a person's data: hand it out, prove consents, erase it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from cart_recovery.admin.access import ERASE, EXPORT
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.privacy.erasure import erase
from cart_recovery.privacy.proof import proof_of
from cart_recovery.privacy.readable import readable
from cart_recovery.privacy.views import json_file


class PersonalDataAdmin(PagesAdmin):
    """Pages beside a contact's own. Changes come by POST only."""

    pages = (
        ("<int:key>/data/", "data_view", EXPORT),
        ("<int:key>/data.json/", "data_json_view", EXPORT),
        ("<int:key>/proof/", "proof_view", EXPORT),
        ("<int:key>/erase/", "erase_view", ERASE),
    )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        allowed = {
            "may_export": request.user.has_perm(EXPORT),
            "may_erase": request.user.has_perm(ERASE),
        }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **allowed}
        )

    def data_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Everything, as the person reads it."""
        contact = self.row(key)
        return self.page(
            request, "contact/data.html", title=_("Data on this person"), original=contact,
            sections=readable(contact),
        )  # fmt: skip

    def data_json_view(self, request: HttpRequest, key: int) -> HttpResponseBase:
        return json_file(self.row(key))

    def proof_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """To be printed. An address to try comes by POST: addresses do not belong in URLs."""
        contact = self.row(key)
        proof = proof_of(contact, typed=request.POST.get("address", "")[:254])
        return self.page(
            request, "contact/proof.html", title=_("Proof of consent"), original=contact,
            proof=proof, printed_at=timezone.now(),
        )  # fmt: skip

    def erase_view(self, request: HttpRequest, key: int) -> HttpResponse:
        contact = self.row(key)
        if request.method != "POST":
            return self.page(
                request, "contact/erase.html", title=_("Erase this person's data"),
                original=contact,
            )  # fmt: skip
        erase([contact], source="admin", now=timezone.now())
        contact.refresh_from_db()
        self.log_change(request, contact, _("The person's data was erased."))
        self.message_user(request, _("The person's data was erased."), messages.SUCCESS)
        return HttpResponseRedirect(
            reverse("admin:cart_recovery_contact_change", args=[contact.pk])
        )
