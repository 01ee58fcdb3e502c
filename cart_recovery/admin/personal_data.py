"""What staff do with a person's data: hand it out, prove consents, erase it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from cart_recovery.admin.bases import AnyModelAdmin
from cart_recovery.models import Contact
from cart_recovery.privacy.erasure import erase
from cart_recovery.privacy.proof import proof_of
from cart_recovery.privacy.readable import readable
from cart_recovery.privacy.views import json_file

EXPORT = "cart_recovery.export_contact"
ERASE = "cart_recovery.erase_contact"
TEMPLATES = "admin/cart_recovery/contact"


class PersonalDataAdmin(AnyModelAdmin):
    """Pages beside a contact's own. Each asks for its permission; changes come by POST only."""

    def get_urls(self) -> list[URLPattern]:
        pages = (
            ("data", self.data_view), ("data.json", self.json_view), ("proof", self.proof_view),
            ("erase", self.erase_view),
        )  # fmt: skip
        own = [
            path(
                f"<int:key>/{name}/",
                self.admin_site.admin_view(view),
                name=f"cart_recovery_contact_{name.replace('.', '_')}",
            )
            for name, view in pages
        ]
        return [*own, *super().get_urls()]

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
        contact = self._contact(request, key, EXPORT)
        return self._page(request, contact, "data", _("Data on this person"),
                          sections=readable(contact))  # fmt: skip

    def json_view(self, request: HttpRequest, key: int) -> HttpResponseBase:
        return json_file(self._contact(request, key, EXPORT))

    def proof_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """To be printed. An address to try comes by POST: addresses do not belong in URLs."""
        contact = self._contact(request, key, EXPORT)
        proof = proof_of(contact, typed=request.POST.get("address", "")[:254])
        return self._page(request, contact, "proof", _("Proof of consent"), proof=proof,
                          printed_at=timezone.now())  # fmt: skip

    def erase_view(self, request: HttpRequest, key: int) -> HttpResponse:
        contact = self._contact(request, key, ERASE)
        if request.method != "POST":
            return self._page(request, contact, "erase", _("Erase this person's data"))
        erase([contact], source="admin", now=timezone.now())
        contact.refresh_from_db()
        self.log_change(request, contact, _("The person's data was erased."))
        self.message_user(request, _("The person's data was erased."), messages.SUCCESS)
        return HttpResponseRedirect(
            reverse("admin:cart_recovery_contact_change", args=[contact.pk])
        )

    def _contact(self, request: HttpRequest, key: int, permission: str) -> Contact:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        contact = Contact.objects.filter(pk=key).first()
        if contact is None:
            raise Http404
        return contact

    def _page(
        self, request: HttpRequest, contact: Contact, name: str, title: str, **context: Any
    ) -> TemplateResponse:
        context |= {
            **self.admin_site.each_context(request), "title": title, "original": contact,
            "opts": self.opts,
        }  # fmt: skip
        response = TemplateResponse(request, f"{TEMPLATES}/{name}.html", context)
        response["Cache-Control"] = "no-store"
        return response
