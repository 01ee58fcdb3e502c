from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.campaigns import Campaign, Step
from cart_recovery.models.carts import TrackedCart
from cart_recovery.models.contacts import Contact
from cart_recovery.models.messages import Message


class CreditBasis(models.TextChoices):
    RESTORED_BASKET = "restored_basket", _("the restored basket was ordered")
    CLICK = "click", _("ordered after a click")


class Conversion(models.Model):
    """An order credited to a message: once per order, taken back with the money."""

    order = models.OneToOneField(
        "order.Order", models.SET_NULL, null=True, related_name="+", verbose_name=_("order")
    )
    order_number = models.CharField(_("order number"), max_length=128, unique=True)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, related_name="conversions", verbose_name=_("contact")
    )
    cart = models.ForeignKey(
        TrackedCart, models.SET_NULL, null=True, related_name="conversions",
        verbose_name=_("cart"),
    )  # fmt: skip
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, related_name="conversions", verbose_name=_("message")
    )
    campaign = models.ForeignKey(
        Campaign, models.SET_NULL, null=True, related_name="conversions", verbose_name=_("campaign")
    )
    step = models.ForeignKey(
        Step, models.SET_NULL, null=True, related_name="conversions", verbose_name=_("step")
    )
    channel = models.CharField(_("channel"), max_length=32)
    basis = models.CharField(_("credited because"), max_length=16, choices=CreditBasis)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    refunded_amount = models.DecimalField(
        _("refunded"), max_digits=12, decimal_places=2, default=0, db_default=0
    )
    currency = models.CharField(_("currency"), max_length=12)
    credited_at = models.DateTimeField(_("credited"))
    reversed_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")
        # reports: credits of a day; the list in admin: a period of it
        indexes = [models.Index(fields=["credited_at", "id"], name="cart_recovery_conversion_date")]

    def __str__(self) -> str:
        return self.order_number
