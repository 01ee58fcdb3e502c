from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cart_recovery.conf import conf
from cart_recovery.models.campaigns import Campaign, Step, Variant
from cart_recovery.models.carts import TrackedCart
from cart_recovery.models.contacts import Contact
from cart_recovery.models.orders import TrackedOrder
from cart_recovery.models.reasons import Reason, reason_choices


class EnrolmentState(models.TextChoices):
    ACTIVE = "active", pgettext_lazy("state", "active")
    COMPLETED = "completed", _("completed")
    STOPPED = "stopped", _("stopped")


class Enrolment(models.Model):
    """A contact's way through a campaign for one subject: a cart, or an order."""

    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="enrolments", verbose_name=_("campaign")
    )
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="enrolments", verbose_name=_("contact")
    )
    cart = models.ForeignKey(
        TrackedCart, models.CASCADE, null=True, blank=True, related_name="enrolments",
        verbose_name=_("cart"),
    )  # fmt: skip
    order = models.ForeignKey(
        TrackedOrder, models.CASCADE, null=True, blank=True, related_name="enrolments",
        verbose_name=_("order"),
    )  # fmt: skip
    #: tells apart what a campaign says of one order: each parcel, each refund (the group of its
    #: milestones); "" for carts
    key = models.CharField(max_length=32, default="", db_default="", blank=True, editable=False)
    state = models.CharField(
        _("state"), max_length=16, choices=EnrolmentState, default=EnrolmentState.ACTIVE
    )
    reason = models.CharField(_("reason"), max_length=64, blank=True, choices=reason_choices)
    #: the activity from which the delays count; moves on when the shopper comes back
    clock_at = models.DateTimeField(_("clock started"))
    enrolled_at = models.DateTimeField(_("enrolled"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "cart"], name="cart_recovery_enrolment_cart"
            ),
            models.UniqueConstraint(
                fields=["campaign", "order", "key"], name="cart_recovery_enrolment_order"
            ),
            models.CheckConstraint(
                condition=Q(cart__isnull=False, order__isnull=True)
                | Q(cart__isnull=True, order__isnull=False),
                name="cart_recovery_enrolment_subject",
            ),
        ]
        indexes = [
            # an order ends all of a person's open enrolments
            models.Index(
                fields=["contact"], name="cart_recovery_enrolment_open", condition=Q(state="active")
            ),
            # the list in admin: a period of it
            models.Index(fields=["enrolled_at", "id"], name="cart_recovery_enrolment_period"),
        ]

    def __str__(self) -> str:
        return _("Enrolment %(pk)s") % {"pk": self.pk}

    @property
    def subject_cart(self) -> TrackedCart:
        """The cart of an enrolment about one. Raises LookupError for one about an order."""
        if self.cart is None:
            raise LookupError("This enrolment is about an order.")
        return self.cart

    @property
    def subject_order(self) -> TrackedOrder:
        """The order of an enrolment about one. Raises LookupError for one about a cart."""
        if self.order is None:
            raise LookupError("This enrolment is about a cart.")
        return self.order

    @property
    def language(self) -> str:
        """The language the shopper read the shop in, else the contact's, else the shop's first."""
        subject = self.cart or self.order
        return (subject and subject.language) or self.contact.language or conf.LANGUAGES[0]


class EnrolledLine(models.Model):
    """A line of an order that an enrolment is about."""

    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, related_name="lines", verbose_name=_("enrolment")
    )
    line = models.ForeignKey(
        "order.Line", models.SET_NULL, null=True, related_name="+", verbose_name=_("line")
    )
    quantity = models.PositiveIntegerField(_("quantity"), default=1)

    class Meta:
        verbose_name = _("line of an enrolment")
        verbose_name_plural = _("lines of enrolments")
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "line"], name="cart_recovery_enrolled_line"
            )
        ]

    def __str__(self) -> str:
        return _("Line %(pk)s") % {"pk": self.line_id}


class FollowUpState(models.TextChoices):
    PLANNED = "planned", _("planned")
    CLAIMED = "claimed", _("being worked on")
    DONE = "done", _("message made")
    SKIPPED = "skipped", _("skipped")
    MISSED = "missed", _("too late")
    CANCELLED = "cancelled", _("cancelled")


#: reasons that the shop can do something about, or should know of
FAULTS = (
    Reason.MISSED, Reason.NO_CHANNEL, Reason.TEMPLATE_MISSING, Reason.TEMPLATE_ERROR,
    Reason.PROVIDER_REFUSED, Reason.GAVE_UP, Reason.INTERNAL_ERROR,
)  # fmt: skip


class FollowUp(models.Model):
    """One planned step of an enrolment: the decision. The row that a sweep claims when it is due."""

    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, related_name="followups", verbose_name=_("enrolment")
    )
    step = models.ForeignKey(Step, models.CASCADE, related_name="followups", verbose_name=_("step"))
    state = models.CharField(
        _("state"), max_length=16, choices=FollowUpState, default=FollowUpState.PLANNED
    )
    reason = models.CharField(_("reason"), max_length=64, blank=True, choices=reason_choices)
    #: when the plan wanted it; lateness is measured from here
    planned_for = models.DateTimeField(_("planned for"))
    #: when it is looked at next; moves on while it has to wait
    due_at = models.DateTimeField(_("due"))
    #: who holds the claim, and until when; a stale one is taken over
    claim_token = models.CharField(_("claim"), max_length=32, blank=True)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    variant = models.ForeignKey(
        Variant, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("variant")
    )
    #: why this channel: preferred, drawn, fallback
    choice_reason = models.CharField(_("reason of the choice"), max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        constraints = [
            # promise 3: a step never repeats for an enrolment
            models.UniqueConstraint(
                fields=["enrolment", "step"], name="cart_recovery_followup_step"
            )
        ]
        indexes = [
            # delivery sweep: what is due
            models.Index(
                fields=["due_at"], name="cart_recovery_followup_due", condition=Q(state="planned")
            ),
            # delivery sweep: whose worker has died
            models.Index(
                fields=["lease_until"], name="cart_recovery_followup_lease",
                condition=Q(state="claimed"),
            ),
            # the list in admin: a period of it, what is still open, and what went wrong
            models.Index(fields=["planned_for", "id"], name="cart_recovery_followup_period"),
            models.Index(
                fields=["id"], name="cart_recovery_followup_open",
                condition=Q(state__in=("planned", "claimed")),
            ),
            models.Index(
                fields=["id"], name="cart_recovery_followup_fault", condition=Q(reason__in=FAULTS)
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Follow-up %(pk)s") % {"pk": self.pk}
