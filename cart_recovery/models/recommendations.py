from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class BoughtTogether(models.Model):
    """How many orders held both products. One row for each direction, the best partners only.

    Variants count for the product that they are variants of. Written by `recommendations.computing`
    alone, in SQL.
    """

    product = models.ForeignKey(
        "catalogue.Product", models.CASCADE, related_name="+", verbose_name=_("product"),
        # the constraint's index begins with it
        db_index=False,
    )  # fmt: skip
    partner = models.ForeignKey(
        "catalogue.Product", models.CASCADE, related_name="+", verbose_name=_("bought with it")
    )
    orders = models.PositiveIntegerField(_("orders"))

    class Meta:
        verbose_name = _("bought together")
        verbose_name_plural = _("bought together")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "partner"], name="cart_recovery_bought_together"
            )
        ]

    def __str__(self) -> str:
        return f"{self.product_id} + {self.partner_id}: {self.orders}"


class PairingProgress(models.Model):
    """How far the shop's orders have been counted. One row, with the key 1.

    Whoever wants to count takes the row from one value to the next, so that nobody counts the same
    orders twice.
    """

    #: orders placed until then are in `BoughtTogether`
    counted_until = models.DateTimeField(_("counted until"))
    #: key of the last product whose partners were counted anew, as text; "": the first is to come;
    #: null: nothing is being rebuilt
    rebuilt_to = models.CharField(  # noqa: DJ001 null and "" differ
        max_length=64, null=True, default=""
    )
    #: when the last rebuild began, be it over or not
    rebuilt_at = models.DateTimeField(_("rebuilt"))

    class Meta:
        verbose_name = _("progress of the pairing")
        verbose_name_plural = _("progress of the pairing")

    def __str__(self) -> str:
        return str(self.counted_until)
