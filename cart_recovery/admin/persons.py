"""Finding a person's rows by an address in full. Its beginning finds only for who may see addresses:
whoever types one letter after the other could read a masked address otherwise."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.bases import AnyModelAdmin
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.models import Contact

MAX_LENGTH: Final = 254
#: contacts whose address begins like this; who looks for more types more
MOST: Final = 200


def contacts_of(term: str, *, may_begin: bool) -> list[int]:
    """Keys of the contacts with this address, in any spelling; by the begin of it where allowed."""
    term = term.strip()
    if not term or len(term) > MAX_LENGTH or "\x00" in term:
        return []
    found = {c.pk for kind in ("email", "phone") if (c := find_by_address(kind, term)) is not None}
    if may_begin:
        begin = Contact.objects.filter(email_key__startswith=term.casefold())
        found |= set(begin.order_by("email_key").values_list("pk", flat=True)[:MOST])
    return sorted(found)


class PersonSearchAdmin(AnyModelAdmin):
    """A list that is searched by whose rows they are; `person_path` leads to the contact."""

    person_path = "contact"
    search_fields = ["pk"]
    search_help_text = _("A whole e-mail address or phone number.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        contacts = contacts_of(search_term, may_begin=False)
        return queryset.filter(**{f"{self.person_path}__in": contacts}), False
