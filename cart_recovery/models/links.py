from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.campaigns import Incentive
from cart_recovery.models.carts import TrackedCart
from cart_recovery.models.contacts import Contact
from cart_recovery.models.followups import FollowUp


class VoucherGrant(models.Model):
    """A single-use voucher made for one follow-up, or as thanks for what was said of an order."""

    #: outlives the follow-up: the purge finds the vouchers by their grants
    followup = models.OneToOneField(
        FollowUp, models.SET_NULL, null=True, related_name="voucher_grant",
        verbose_name=_("follow-up"),
    )  # fmt: skip
    #: whose review or rating it thanks for; unique: once per order, however much is said
    thanked_order = models.OneToOneField(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("order"),
    )  # fmt: skip
    #: who is thanked; of a follow-up's voucher its enrolment says it
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="thanks",
        verbose_name=_("contact"),
    )  # fmt: skip
    incentive = models.ForeignKey(
        Incentive, models.SET_NULL, null=True, blank=True, related_name="grants",
        verbose_name=_("incentive"),
    )  # fmt: skip
    voucher = models.ForeignKey(
        "voucher.Voucher", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("voucher"),
    )  # fmt: skip
    code = models.CharField(_("code"), max_length=128)
    expires_at = models.DateTimeField(_("expires"))
    created_at = models.DateTimeField(_("created"))
    #: when the purge decided: the voucher was removed, or stays because an order used it
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("granted voucher")
        verbose_name_plural = _("granted vouchers")
        indexes = [
            # purge: expired vouchers that are still to be looked at
            models.Index(
                fields=["expires_at"], name="cart_recovery_grant_expired",
                condition=Q(settled_at__isnull=True),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Granted voucher %(pk)s") % {"pk": self.pk}


class RestoreLink(models.Model):
    """A personal link that brings a basket back. Only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="restore_links", verbose_name=_("contact")
    )
    cart = models.ForeignKey(
        TrackedCart, models.CASCADE, related_name="restore_links", verbose_name=_("cart")
    )
    followup = models.ForeignKey(
        FollowUp, models.CASCADE, null=True, blank=True, related_name="restore_links",
        verbose_name=_("follow-up"),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    #: what the basket held when the message was made: a line whose product was deleted since can
    #: still be named, and one that moved in a merge still be found (shape: `LinkedLine.as_json`)
    contents = models.JSONField(default=list)
    #: the last human click; scanners never get here
    clicked_at = models.DateTimeField(_("followed"), null=True, blank=True)
    restored_basket = models.ForeignKey(
        "basket.Basket", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("restored basket"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("restore link")
        verbose_name_plural = _("restore links")
        indexes = [
            # retention: what no longer works
            models.Index(fields=["expires_at"], name="cart_recovery_link_expired")
        ]

    def __str__(self) -> str:
        return _("Restore link %(pk)s") % {"pk": self.pk}


class LinkClick(models.Model):
    """One visit that followed a link to the end (POST). Looking at its page (GET) writes nothing."""

    link = models.ForeignKey(
        RestoreLink, models.CASCADE, related_name="clicks", verbose_name=_("restore link")
    )
    #: which showing of the page was confirmed; a double tap is one visit
    visit = models.CharField(max_length=32)
    clicked_at = models.DateTimeField(_("clicked"))
    is_machine = models.BooleanField(_("by a machine"), default=False)
    #: the basket that this visit led to; crediting finds the order by it
    basket = models.ForeignKey(
        "basket.Basket", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("basket"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")
        constraints = [
            models.UniqueConstraint(fields=["link", "visit"], name="cart_recovery_click_visit")
        ]
        # reports: clicks of a day
        indexes = [models.Index(fields=["clicked_at"], name="cart_recovery_click_day")]

    def __str__(self) -> str:
        return _("Click %(pk)s") % {"pk": self.pk}
