from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.campaigns import Incentive
from cart_recovery.models.carts import TrackedCart
from cart_recovery.models.contacts import Contact
from cart_recovery.models.followups import FollowUp


class VoucherGrant(models.Model):
    """A single-use voucher made for one follow-up."""

    followup = models.OneToOneField(FollowUp, models.CASCADE, related_name="voucher_grant")
    incentive = models.ForeignKey(
        Incentive, models.SET_NULL, null=True, blank=True, related_name="grants"
    )
    voucher = models.ForeignKey(
        "voucher.Voucher", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    code = models.CharField(_("code"), max_length=128)
    expires_at = models.DateTimeField(_("expires"), db_index=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("granted voucher")
        verbose_name_plural = _("granted vouchers")

    def __str__(self) -> str:
        return _("Granted voucher %(pk)s") % {"pk": self.pk}


class RestoreLink(models.Model):
    """A personal link that brings a basket back. Only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="restore_links")
    cart = models.ForeignKey(TrackedCart, models.CASCADE, related_name="restore_links")
    followup = models.ForeignKey(
        FollowUp, models.CASCADE, null=True, blank=True, related_name="restore_links"
    )
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    #: the last human click; scanners never get here
    clicked_at = models.DateTimeField(_("followed"), null=True, blank=True)
    restored_basket = models.ForeignKey(
        "basket.Basket", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("restored basket"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("restore link")
        verbose_name_plural = _("restore links")

    def __str__(self) -> str:
        return _("Restore link %(pk)s") % {"pk": self.pk}


class LinkClick(models.Model):
    """One visit to a restore link: a look (GET) or the deed (POST)."""

    link = models.ForeignKey(RestoreLink, models.CASCADE, related_name="clicks")
    clicked_at = models.DateTimeField(_("at"))
    is_machine = models.BooleanField(_("by a machine"))

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")

    def __str__(self) -> str:
        return _("Click %(pk)s") % {"pk": self.pk}
