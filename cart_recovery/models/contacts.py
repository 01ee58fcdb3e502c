from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField


class Contact(models.Model):
    """A reachable person. Unique by user, by e-mail (any spelling) and by phone number.

    A contact that turned out to be the same person as another keeps its row as a tombstone, with
    `merged_into` set and all addresses empty: its consent records stay provable where they stand.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True,
        related_name="+", verbose_name=_("user"),
    )  # fmt: skip
    email = models.EmailField(_("e-mail address"), max_length=254, blank=True)
    #: the address in the one spelling by which persons are compared; null where there is none
    email_key = models.CharField(max_length=254, null=True, blank=True, unique=True, editable=False)
    phone = PhoneNumberField(_("phone number"), null=True, blank=True, unique=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    preferred_channel = models.CharField(_("preferred channel"), max_length=32, blank=True)
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="merged_contacts",
        verbose_name=_("merged into"),
    )  # fmt: skip
    #: the person asked for peace until then; messages about an order still go out
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        # the list in admin: a period of it
        indexes = [models.Index(fields=["created_at", "id"], name="cart_recovery_contact_period")]
        permissions = [
            ("see_personal_data", "Can see names and addresses in full"),
            ("export_contact", "Can see all data on a person and prove consents"),
            ("erase_contact", "Can erase a person's data"),
        ]

    def __str__(self) -> str:
        return _("Contact %(pk)s") % {"pk": self.pk}

    def address_for(self, address_kind: str) -> str:
        """The address of a kind (`email` or `phone`), or ""."""
        if address_kind == "phone":
            # not by its truth: to tell it, the number is held against the whole numbering plan
            return "" if self.phone in (None, "") else self.phone.as_e164
        return self.email
