from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.contacts import Contact
from cart_recovery.provider_events import SuppressionReason as Reason


class Purpose(models.TextChoices):
    CART_REMINDER = "cart_reminder", _("cart reminders")
    ORDER_STATUS = "order_status", _("order status")
    REVIEW_REQUEST = "review_request", _("review requests")
    PROMOTION = "promotion", _("offers")
    TRACKING = "tracking", _("measuring opens and clicks")
    AUDIENCE = "audience", _("advertising audiences")


class ConsentAction(models.TextChoices):
    #: the first half of a double opt-in: proves when and where it was asked for, permits nothing
    REQUESTED = "requested", _("asked for")
    GRANTED = "granted", _("granted")
    WITHDRAWN = "withdrawn", _("withdrawn")


class ConsentMethod(models.TextChoices):
    """How a yes came about. The market's profile says which of them it takes for a permission."""

    SINGLE = "single", _("a ticked box")
    DOUBLE = "double", _("confirmed at this address (double opt-in)")
    KEYWORD = "keyword", _("START by reply")
    SOFT = "soft", _("existing customer (soft opt-in)")
    IMPORTED = "imported", _("taken over with its proof")


class UnchangingQuerySet(models.QuerySet["ConsentWording"]):
    """Refuses to change what people have agreed to."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError("A wording never changes: publish a new version instead.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise TypeError("A wording never changes: publish a new version instead.")


class ConsentWording(models.Model):
    """The exact text a person agreed to. Changed texts are new versions; old proofs keep theirs."""

    code = models.SlugField(_("code"), max_length=50)
    language = models.CharField(_("language"), max_length=16)
    version = models.PositiveIntegerField(_("version"), default=1)
    channel = models.CharField(_("channel"), max_length=32)
    purposes = models.JSONField(_("purposes"), default=list)
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = UnchangingQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent wording")
        verbose_name_plural = _("consent wordings")
        constraints = [
            models.UniqueConstraint(
                fields=["code", "language", "version"], name="cart_recovery_wording_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.language} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A wording never changes: publish a new version instead.")
        super().save(*args, **kwargs)


class AppendOnlyQuerySet(models.QuerySet["ConsentRecord"]):
    """Refuses what would rewrite history."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError("Consent records are append-only: write a new record instead.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("Consent records are append-only: write a withdrawal instead.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise TypeError("Consent records are append-only: write a new record instead.")

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[ConsentRecord]:
        if kwargs.get("update_conflicts"):
            raise TypeError("Consent records are append-only: write a new record instead.")
        return super().bulk_create(*args, **kwargs)


class ConsentRecord(models.Model):
    """One yes or no of one person. Append-only; `hash` chains it to the person's record before."""

    contact = models.ForeignKey(
        Contact, models.PROTECT, related_name="consent_records", verbose_name=_("contact")
    )
    sequence = models.PositiveIntegerField(_("number"))
    channel = models.CharField(_("channel"), max_length=32)
    purpose = models.CharField(_("purpose"), max_length=32, choices=Purpose)
    action = models.CharField(_("action"), max_length=16, choices=ConsentAction)
    wording = models.ForeignKey(
        ConsentWording, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("consent wording"),
    )  # fmt: skip
    #: which address was meant, as a keyed hash: a consent does not move to a new number
    address_digest = models.CharField(_("address hash"), max_length=64)
    #: how a yes came about; blank for a no, and for records from before methods were told apart
    method = models.CharField(_("method"), max_length=16, choices=ConsentMethod, blank=True)
    source = models.CharField(_("source"), max_length=64)
    source_url = models.CharField(_("page"), max_length=500, blank=True)
    #: what else proves it: the words of a reply, the column of an import
    evidence = models.TextField(_("evidence"), blank=True)
    recorded_at = models.DateTimeField(_("recorded"))
    previous_hash = models.CharField(_("previous checksum"), max_length=64, blank=True)
    hash = models.CharField(_("checksum"), max_length=64)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        constraints = [
            # also what forbids a fork of the chain when two requests write at once
            models.UniqueConstraint(
                fields=["contact", "sequence"], name="cart_recovery_consent_sequence"
            )
        ]
        # reports: who said no on a day; the list in admin: a period of it
        indexes = [models.Index(fields=["recorded_at", "id"], name="cart_recovery_consent_period")]

    def __str__(self) -> str:
        return f"{self.channel}, {self.get_purpose_display()}: {self.get_action_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("Consent records are append-only: write a new record instead.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("Consent records are append-only: write a withdrawal instead.")


class ConsentChain(models.Model):
    """How long a person's chain of records is and how it ends: shows that its tail was cut off.

    Also the row that writers lock, so that two of them cannot fork the chain.
    """

    contact = models.OneToOneField(
        Contact, models.PROTECT, related_name="consent_chain", verbose_name=_("contact")
    )
    length = models.PositiveIntegerField(_("length"), default=0)
    head_hash = models.CharField(_("checksum"), max_length=64, blank=True)
    #: shows that it was us who wrote length and checksum: whoever cuts off the tail cannot make it
    head_seal = models.CharField(_("seal"), max_length=64, blank=True)
    #: records up to this one were deleted when the period for keeping proofs was over; the rest of
    #: the chain goes on from `purged_hash`, and `purge_seal` shows that it was us who cut it
    purged_length = models.PositiveIntegerField(_("purged"), default=0)
    purged_hash = models.CharField(_("last purged checksum"), max_length=64, blank=True)
    purged_at = models.DateTimeField(_("purged at"), null=True, blank=True)
    purge_seal = models.CharField(_("seal"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("consent chain")
        verbose_name_plural = _("consent chains")

    def __str__(self) -> str:
        return _("Consent chain %(pk)s") % {"pk": self.pk}


class ConsentState(models.Model):
    """What holds now per contact, channel and purpose: the fold of the records."""

    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="consent_states", verbose_name=_("contact")
    )
    channel = models.CharField(_("channel"), max_length=32)
    purpose = models.CharField(_("purpose"), max_length=32, choices=Purpose)
    action = models.CharField(_("state"), max_length=16, choices=ConsentAction)
    method = models.CharField(_("method"), max_length=16, choices=ConsentMethod, blank=True)
    address_digest = models.CharField(_("address hash"), max_length=64)
    since = models.DateTimeField(_("since"))
    record = models.ForeignKey(
        ConsentRecord, models.PROTECT, related_name="+", verbose_name=_("consent record")
    )

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "channel", "purpose"], name="cart_recovery_consent_state"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}, {self.get_purpose_display()}: {self.get_action_display()}"


class OptInState(models.TextChoices):
    PENDING = "pending", _("waiting for the confirmation")
    CONFIRMED = "confirmed", _("confirmed")
    EXPIRED = "expired", _("expired")
    #: asked for anew, or the person said no meanwhile
    CANCELLED = "cancelled", _("cancelled")


class OptIn(models.Model):
    """A double opt-in that waits for its second half. Becomes two records when it is confirmed."""

    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="opt_ins", verbose_name=_("contact")
    )
    channel = models.CharField(_("channel"), max_length=32)
    purposes = models.JSONField(_("purposes"), default=list)
    wording = models.ForeignKey(
        ConsentWording, models.PROTECT, related_name="+", verbose_name=_("consent wording")
    )
    address_digest = models.CharField(_("address hash"), max_length=64)
    #: only the hash of the link's token is kept
    token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    state = models.CharField(
        _("state"), max_length=16, choices=OptInState, default=OptInState.PENDING
    )
    language = models.CharField(_("language"), max_length=16, blank=True)
    source = models.CharField(_("source"), max_length=64)
    source_url = models.CharField(_("page"), max_length=500, blank=True)
    #: the basket that the person wants to be sent once the address is confirmed
    basket = models.ForeignKey(
        "basket.Basket", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("basket"),
    )  # fmt: skip
    requested_at = models.DateTimeField(_("requested"))
    expires_at = models.DateTimeField(_("expires"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    #: how it was confirmed: link, reply
    confirmed_by = models.CharField(_("confirmed by"), max_length=16, blank=True)

    class Meta:
        verbose_name = _("double opt-in")
        verbose_name_plural = _("double opt-ins")
        indexes = [
            # throttle, and the reply that confirms: what was asked for at an address of late
            models.Index(
                fields=["address_digest", "requested_at"], name="cart_recovery_opt_in_address"
            ),
            # retention: what was never confirmed
            models.Index(
                fields=["expires_at"], name="cart_recovery_opt_in_pending",
                condition=Q(state="pending"),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Double opt-in %(pk)s") % {"pk": self.pk}


class Suppression(models.Model):
    """An address that must not be used on a channel, whoever it belongs to. Outlives erasure."""

    REASONS = [
        (Reason.HARD_BOUNCE, _("hard bounce")),
        (Reason.COMPLAINT, _("complaint")),
        (Reason.CARRIER_BLOCK, _("blocked by the carrier")),
        (Reason.INVALID_ADDRESS, _("invalid address")),
        (Reason.UNSUBSCRIBED, _("unsubscribed at the provider")),
        (Reason.STOP_REPLY, _("STOP by reply")),
        (Reason.STAFF, _("set by staff")),
        (Reason.ERASED, _("the person had their data deleted")),
    ]

    channel = models.CharField(_("channel"), max_length=32)
    #: indexed by itself too: an erasure and the search in admin ask for all channels at once
    address_digest = models.CharField(_("address hash"), max_length=64, db_index=True)
    reason = models.CharField(_("reason"), max_length=32, choices=REASONS)
    source = models.CharField(_("source"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        permissions = [("lift_suppression", "Can free a blocked address")]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_digest"], name="cart_recovery_suppression_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.get_reason_display()}"


class SuppressionChange(models.Model):
    """Who blocked or freed an address, when and why. Append-only; outlives the suppression."""

    class Change(models.TextChoices):
        ADDED = "added", _("blocked")
        LIFTED = "lifted", _("freed")

    channel = models.CharField(_("channel"), max_length=32)
    address_digest = models.CharField(_("address hash"), max_length=64)
    change = models.CharField(_("change"), max_length=16, choices=Change)
    reason = models.CharField(_("reason"), max_length=32, choices=Suppression.REASONS, blank=True)
    source = models.CharField(_("source"), max_length=64, blank=True)
    #: why, in the words of the member of staff
    note = models.CharField(_("note"), max_length=500, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("user"),
    )  # fmt: skip
    changed_at = models.DateTimeField(_("changed"), auto_now_add=True)

    class Meta:
        verbose_name = _("change of a suppression")
        verbose_name_plural = _("changes of suppressions")
        indexes = [
            models.Index(fields=["address_digest", "changed_at"], name="cart_recovery_suppr_change")
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.get_change_display()}"
