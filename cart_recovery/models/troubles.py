from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.carts import TrackedCart
from cart_recovery.models.contacts import Contact


class TroubleKind(models.TextChoices):
    PAYMENT_REFUSED = "payment_refused", _("payment refused")
    PAYMENT_ERROR = "payment_error", _("error while paying")
    ORDER_ERROR = "order_error", _("error while placing the order")
    OTHER = "other", _("another error at checkout")


class CheckoutTrouble(models.Model):
    """That a checkout failed: the payment was refused, or something broke before the order.

    Holds nothing that anybody typed. What an exception says stays out, since gateways quote cards and
    names in it: its class is kept, or a code that the shop has chosen (`carts.troubles`).
    """

    cart = models.ForeignKey(
        TrackedCart, models.CASCADE, null=True, blank=True, related_name="troubles",
        verbose_name=_("cart"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="troubles",
        verbose_name=_("contact"),
    )  # fmt: skip
    kind = models.CharField(_("kind"), max_length=32, choices=TroubleKind)
    reason = models.CharField(_("reason"), max_length=64, blank=True, default="", db_default="")
    #: name of the URL at which it happened: `checkout:preview`
    stage = models.CharField(_("page"), max_length=64, blank=True, default="", db_default="")
    occurred_at = models.DateTimeField(_("happened"))

    class Meta:
        verbose_name = _("trouble at checkout")
        verbose_name_plural = _("troubles at checkout")
        indexes = [
            # the list in admin and its sums: a period
            models.Index(fields=["occurred_at", "id"], name="cart_recovery_trouble_period"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
