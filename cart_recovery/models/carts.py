from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cart_recovery.models.contacts import Contact


class CartState(models.TextChoices):
    ACTIVE = "active", pgettext_lazy("state", "active")
    ABANDONED = "abandoned", _("abandoned")
    ORDERED = "ordered", _("ordered")
    EMPTIED = "emptied", _("emptied")
    MERGED = "merged", _("merged into another basket")
    DELETED = "deleted", _("deleted")
    EXCLUDED = "excluded", _("left out")


class CartStage(models.TextChoices):
    BASKET = "basket", _("basket")
    CHECKOUT = "checkout", _("checkout")


class ExclusionReason(models.TextChoices):
    """Why a cart is left out; kept in `TrackedCart.state_reason`."""

    SAVED = "saved", _("saved for later")
    MACHINE = "machine", _("made by a machine")
    MACHINE_ADDRESS = "machine_address", _("the address belongs to a machine")
    TOO_MANY_CARTS = "too_many_carts", _("too many carts of one address in a short time")


class TrackedCart(models.Model):
    """Our record of one Oscar basket: when it was last touched, and how it ended.

    Written by one SQL upsert per basket change (`carts.tracking`), so every column that the upsert
    leaves out has a database default.
    """

    basket = models.OneToOneField(
        "basket.Basket", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("basket"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="carts", db_index=False,
        verbose_name=_("contact"),
    )  # fmt: skip
    state = models.CharField(
        _("state"), max_length=16, choices=CartState, default=CartState.ACTIVE,
        db_default=CartState.ACTIVE,
    )  # fmt: skip
    stage = models.CharField(
        _("stage"), max_length=16, choices=CartStage, default=CartStage.BASKET,
        db_default=CartStage.BASKET,
    )  # fmt: skip
    state_reason = models.CharField(
        _("reason"), max_length=64, default="", db_default="", blank=True, choices=ExclusionReason
    )
    language = models.CharField(_("language"), max_length=16, default="", db_default="", blank=True)
    is_machine = models.BooleanField(_("made by a machine"), default=False, db_default=False)
    created_at = models.DateTimeField(_("created"))
    last_activity_at = models.DateTimeField(_("last activity"))
    abandoned_at = models.DateTimeField(_("abandoned"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    order = models.ForeignKey(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("order"),
    )  # fmt: skip
    credited_at = models.DateTimeField(_("crediting done"), null=True, blank=True)

    # what the basket held when it was found abandoned; for lists, never for messages
    line_count = models.PositiveIntegerField(_("lines"), default=0, db_default=0)
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=12, default="", db_default="", blank=True)

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")
        indexes = [
            # sweep: carts of a stage that are idle for long enough
            models.Index(
                fields=["stage", "last_activity_at"], name="cart_recovery_cart_idle",
                condition=Q(state="active"),
            ),
            # sweep: orders whose crediting is still to be done
            models.Index(
                fields=["closed_at"], name="cart_recovery_cart_credit",
                condition=Q(state="ordered", credited_at__isnull=True),
            ),
            # a person's carts; partial, so that a guest's first basket change does not pay for it
            models.Index(
                fields=["contact"], name="cart_recovery_cart_contact",
                condition=Q(contact__isnull=False),
            ),
            models.Index(
                fields=["order"], name="cart_recovery_cart_order", condition=Q(order__isnull=False)
            ),
            # retention: carts that are over
            models.Index(
                fields=["closed_at"], name="cart_recovery_cart_closed",
                condition=Q(closed_at__isnull=False),
            ),
            # reports: carts of a day; the list in admin: a period. Partial: a basket change does not pay
            models.Index(
                fields=["abandoned_at", "id"], name="cart_recovery_cart_period",
                condition=Q(abandoned_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Cart %(pk)s") % {"pk": self.pk}
