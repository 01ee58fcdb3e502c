from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.consents import Purpose
from cart_recovery.models.orders import Milestone

START_MILESTONES: Final = (Milestone.PLACED, Milestone.SHIPPED, Milestone.DELIVERED)


class IncentiveKind(models.TextChoices):
    PERCENTAGE = "percentage", _("percentage")
    FIXED_AMOUNT = "fixed_amount", _("fixed amount")
    FREE_SHIPPING = "free_shipping", _("free shipping")


class Incentive(models.Model):
    """What a step may offer. Vouchers of one incentive hang on one Oscar offer."""

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=16, choices=IncentiveKind)
    value = models.DecimalField(
        _("value"), max_digits=12, decimal_places=2, default=0, validators=[MinValueValidator(0)],
        help_text=_("Per cent or amount; without meaning for free shipping."),
    )  # fmt: skip
    minimum_basket = models.DecimalField(
        _("minimum basket"), max_digits=12, decimal_places=2, null=True, blank=True,
        validators=[MinValueValidator(0)],
    )  # fmt: skip
    valid_for = models.DurationField(_("valid for"))
    offer = models.ForeignKey(
        "offer.ConditionalOffer", models.SET_NULL, null=True, blank=True, related_name="+",
        editable=False,
    )  # fmt: skip

    class Meta:
        verbose_name = _("incentive")
        verbose_name_plural = _("incentives")

    def __str__(self) -> str:
        return self.name


class Trigger(models.TextChoices):
    """What sets a campaign going. Those of `ORDER_TRIGGERS` are about orders, the others carts."""

    BASKET_ABANDONED = "basket_abandoned", _("basket abandoned")
    CHECKOUT_ABANDONED = "checkout_abandoned", _("checkout abandoned")
    CHECKOUT_TROUBLE = "checkout_trouble", _("trouble at checkout")
    ORDER_UNPAID = "order_unpaid", _("order not paid")
    ORDER_SHIPPED = "order_shipped", _("order shipped")
    ORDER_PARTLY_SHIPPED = "order_partly_shipped", _("order partly shipped")
    ORDER_DELIVERED = "order_delivered", _("order delivered")
    ORDER_DELAYED = "order_delayed", _("order delayed")
    ORDER_RETURNED = "order_returned", _("return received")
    ORDER_REFUNDED = "order_refunded", _("refund paid")
    REVIEW_REQUEST = "review_request", _("review request")
    CROSS_SELL = "cross_sell", _("suggestions after a purchase")


#: what may be said without consent, as long as it holds no advertising
SERVICE_TRIGGERS: Final = frozenset({
    Trigger.CHECKOUT_TROUBLE, Trigger.ORDER_UNPAID, Trigger.ORDER_SHIPPED,
    Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_DELIVERED, Trigger.ORDER_DELAYED,
    Trigger.ORDER_RETURNED, Trigger.ORDER_REFUNDED,
})  # fmt: skip
#: their campaigns begin when an order reaches the milestone of `Campaign.starts_with`
CHOSEN_START_TRIGGERS: Final = frozenset({Trigger.REVIEW_REQUEST, Trigger.CROSS_SELL})
ORDER_TRIGGERS: Final = (SERVICE_TRIGGERS - {Trigger.CHECKOUT_TROUBLE}) | CHOSEN_START_TRIGGERS
#: the law knows what these are, whatever a campaign says: trigger -> purpose
FIXED_PURPOSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(SERVICE_TRIGGERS, Purpose.ORDER_STATUS),
    Trigger.REVIEW_REQUEST: Purpose.REVIEW_REQUEST,
    Trigger.CROSS_SELL: Purpose.PROMOTION,
}
#: a person is asked or reminded no more often than this: trigger -> steps
MAX_STEPS: Final[Mapping[str, int]] = {Trigger.REVIEW_REQUEST: 3, Trigger.ORDER_UNPAID: 2}


class Campaign(models.Model):
    """The shop's sequence with its trigger."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    trigger = models.CharField(_("trigger"), max_length=32, choices=Trigger)
    purpose = models.CharField(
        _("purpose"), max_length=32, choices=Purpose, default=Purpose.CART_REMINDER
    )
    is_active = models.BooleanField(_("active"), default=False)
    activated_at = models.DateTimeField(
        _("active since"), null=True, blank=True,
        help_text=_("Carts that were last touched before this moment are never followed up."),
    )  # fmt: skip
    priority = models.PositiveSmallIntegerField(_("priority"), default=100)
    max_age = models.DurationField(_("maximum age of a cart"), null=True, blank=True)
    #: for `CHOSEN_START_TRIGGERS`: from when on the delays of the steps count
    starts_with = models.CharField(
        _("starts when the order is"), max_length=16, default=Milestone.DELIVERED,
        db_default=Milestone.DELIVERED,
        choices=[(m.value, m.label) for m in START_MILESTONES],
    )  # fmt: skip
    #: for review requests: what everybody gets who answers, whatever they say
    thanks = models.ForeignKey(
        Incentive, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("thanks for a review"),
    )  # fmt: skip
    attribution_window = models.DurationField(_("attribution window"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    #: goes up with each change that staff make to the campaign, its steps or its mix: who saves
    #: what somebody else has changed meanwhile is told so
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["priority", "pk"]
        permissions = [("activate_campaign", "Can activate and pause campaigns")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Switching on sets the cut-off anew, so that a campaign never mails what is older. No
        campaign can call advertising a service."""
        self.purpose = FIXED_PURPOSES.get(self.trigger, self.purpose)
        if not self.is_active:
            self.activated_at = None
        elif self.activated_at is None:
            self.activated_at = timezone.now()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "activated_at", "purpose"}
        super().save(*args, **kwargs)

    @property
    def is_about_orders(self) -> bool:
        return self.trigger in ORDER_TRIGGERS


class Step(models.Model):
    """One rung of a campaign: so long after the cart went idle."""

    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="steps", verbose_name=_("campaign")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=1)
    delay = models.DurationField(_("delay"), help_text=_("Counted from the last activity."))
    incentive = models.ForeignKey(
        Incentive, models.SET_NULL, null=True, blank=True, related_name="steps",
        verbose_name=_("incentive"),
    )  # fmt: skip
    missed_after = models.DurationField(_("too late after"), null=True, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["campaign", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "position"], name="cart_recovery_step_position"
            )
        ]

    def __str__(self) -> str:
        return _("%(campaign)s, step %(position)s") % {
            "campaign": self.campaign_id, "position": self.position,
        }  # fmt: skip


class Variant(models.Model):
    """One (channel, template, weight) on a step. The weights of a step's variants are its mix."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="variants", verbose_name=_("step"))
    #: alias of the registry in settings; checked there, so a new channel needs no migration
    channel = models.CharField(_("channel"), max_length=32)
    #: tells the variants of one channel apart where there are several: "A", "B"
    label = models.CharField(_("variant"), max_length=20, blank=True, default="", db_default="")
    template_code = models.SlugField(_("template"), max_length=50)
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=100, validators=[MaxValueValidator(1000)],
        help_text=_("0: only used when the other channels cannot be."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        ordering = ["step", "pk"]

    def __str__(self) -> str:
        return f"{self.channel} {self.weight}"
