from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Measure(models.TextChoices):
    """What is counted per day. `count` is how many, `amount` how much money of `currency`."""

    ABANDONED = "abandoned", _("abandoned carts")
    REACHED = "reached", _("carts written about")
    SENT = "sent", _("messages sent")
    DELIVERED = "delivered", _("messages delivered")
    CLICKED = "clicked", _("messages clicked")
    FAILED = "failed", _("messages failed")
    OPTED_OUT = "opted_out", _("opt-outs")
    COMPLAINED = "complained", _("complaints")
    RECOVERED = "recovered", _("orders recovered")
    REFUNDED = "refunded", _("refunds of recovered orders")
    COST = "cost", _("cost of the messages")


class DailyFigure(models.Model):
    """What reports show: one day's sum of one measure for one combination of dimensions.

    Written by `reports.rolling` alone, from rows that may be purged later. 0 and "" stand for
    "none", so that the unique constraint holds on every database; keys are no foreign keys, so that
    figures outlive what they tell of.
    """

    #: in the time zone of the project (`TIME_ZONE`)
    day = models.DateField(_("day"))
    measure = models.CharField(_("measure"), max_length=16, choices=Measure)
    campaign_key = models.PositiveBigIntegerField(_("campaign"), default=0)
    step_key = models.PositiveBigIntegerField(_("step"), default=0)
    variant_key = models.PositiveBigIntegerField(_("variant"), default=0)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    currency = models.CharField(_("currency"), max_length=12, blank=True, default="")
    count = models.PositiveBigIntegerField(_("number"), default=0)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=5, default=0)

    class Meta:
        verbose_name = _("daily figure")
        verbose_name_plural = _("daily figures")
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "day", "measure", "campaign_key", "step_key", "variant_key", "channel",
                    "language", "currency",
                ],
                name="cart_recovery_figure_key",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.day} {self.measure}"


class RolledDayQuerySet(models.QuerySet["RolledDay"]):
    def mark_stale(self, moments: Iterable[dt.datetime | None]) -> None:
        """Have the days of these moments summed up again. Today is anyway: no statement for it."""
        zone = timezone.get_default_timezone()
        today = timezone.localdate(timezone=zone)
        days = {timezone.localdate(moment, zone) for moment in moments if moment is not None}
        if past := {day for day in days if day < today}:
            self.filter(day__in=past, is_stale=False).update(is_stale=True)


class RolledDay(models.Model):
    """Which days have been summed up, and which must be again since something in them changed."""

    day = models.DateField(_("day"), unique=True)
    rolled_at = models.DateTimeField(_("summed up"), null=True, blank=True)
    is_stale = models.BooleanField(_("to be summed up again"), default=False, db_index=True)

    objects = RolledDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("day of the reports")
        verbose_name_plural = _("days of the reports")

    def __str__(self) -> str:
        return str(self.day)
