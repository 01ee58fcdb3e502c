from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.contacts import Contact


class TrackedOrder(models.Model):
    """Our record of one Oscar order: that something was said about it, and what has become known.

    Written by one SQL upsert per change (`orders.tracking`), so every column that the upsert leaves
    out has a database default.
    """

    order = models.OneToOneField(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("order"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="orders",
        verbose_name=_("contact"),
    )  # fmt: skip
    #: keyed hash of whom the order named when its contact was looked for (`orders.naming`); "" as
    #: long as nobody has
    named_digest = models.CharField(
        max_length=64, default="", db_default="", blank=True, editable=False
    )
    language = models.CharField(_("language"), max_length=16, default="", db_default="", blank=True)
    created_at = models.DateTimeField(_("created"))
    #: something was said about the order at this moment that no sweep has looked at yet
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)
    #: null: no sweep has looked at it. An order of Oscar's may well have a status of ""
    seen_status = models.CharField(  # noqa: DJ001 as said
        _("status when it was last looked at"), max_length=255, null=True, blank=True
    )

    class Meta:
        verbose_name = _("tracked order")
        verbose_name_plural = _("tracked orders")
        indexes = [
            # sweep: orders to look at
            models.Index(
                fields=["changed_at"], name="cart_recovery_order_changed",
                condition=Q(changed_at__isnull=False),
            ),
            # retention: orders of long ago
            models.Index(fields=["created_at"], name="cart_recovery_order_period"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Tracked order %(pk)s") % {"pk": self.pk}


class Milestone(models.TextChoices):
    """How far an order, or a line of it, has got: the words that a shop's statuses are mapped to."""

    PLACED = "placed", _("placed")
    SHIPPED = "shipped", _("shipped")
    DELIVERED = "delivered", _("delivered")
    DELAYED = "delayed", _("delayed")
    RETURNED = "returned", _("return received")
    REFUNDED = "refunded", _("refund paid")
    CANCELLED = "cancelled", _("cancelled")


class OrderMilestone(models.Model):
    """That an order, or so many pieces of a line of it, got somewhere. Noticed once, never again."""

    tracked = models.ForeignKey(
        TrackedOrder, models.CASCADE, related_name="milestones", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Milestone)
    #: the line of the order; null for what concerns all of it
    line = models.ForeignKey(
        "order.Line", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("line"),
    )  # fmt: skip
    #: pieces of the line that had got there by then
    quantity = models.PositiveIntegerField(_("quantity"), default=0)
    #: tells apart what may come about several times: `<line>x<quantity>`, an amount paid back
    key = models.CharField(max_length=64, default="")
    #: what was noticed together is told together
    group = models.CharField(max_length=32)
    #: whether by then the whole order had got there
    is_complete = models.BooleanField(_("whole order"), default=False)
    reached_at = models.DateTimeField(_("reached"))

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        constraints = [
            # a status that flips to and fro makes no second one
            models.UniqueConstraint(
                fields=["tracked", "kind", "key"], name="cart_recovery_milestone_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class StaffTaskKind(models.TextChoices):
    LOW_RATING = "low_rating", _("an unhappy customer")
    UNPAID_ORDER = "unpaid_order", _("an order that stays unpaid")


class StaffTask(models.Model):
    """Something that a human should look after. One per kind and order."""

    kind = models.CharField(_("kind"), max_length=32, choices=StaffTaskKind)
    order = models.ForeignKey(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("order"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="tasks",
        verbose_name=_("contact"),
    )  # fmt: skip
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("closed by"),
    )  # fmt: skip
    #: what staff write down about it
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.UniqueConstraint(fields=["kind", "order"], name="cart_recovery_task_once")
        ]
        indexes = [
            # the list in admin: what is open
            models.Index(
                fields=["opened_at", "id"], name="cart_recovery_task_open",
                condition=Q(closed_at__isnull=True),
            ),
            models.Index(fields=["opened_at", "id"], name="cart_recovery_task_period"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.get_kind_display())
