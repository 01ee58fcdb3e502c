from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.contacts import Contact
from cart_recovery.provider_events import SuppressionReason as Reason


class Purpose(models.TextChoices):
    CART_REMINDER = "cart_reminder", _("cart reminders")
    ORDER_STATUS = "order_status", _("order status")
    REVIEW_REQUEST = "review_request", _("review requests")
    PROMOTION = "promotion", _("offers")
    TRACKING = "tracking", _("measuring opens and clicks")


class ConsentAction(models.TextChoices):
    GRANTED = "granted", _("granted")
    WITHDRAWN = "withdrawn", _("withdrawn")


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
    source = models.CharField(_("source"), max_length=64)
    source_url = models.CharField(_("page"), max_length=500, blank=True)
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
    ]

    channel = models.CharField(_("channel"), max_length=32)
    address_digest = models.CharField(_("address hash"), max_length=64)
    reason = models.CharField(_("reason"), max_length=32, choices=REASONS)
    source = models.CharField(_("source"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_digest"], name="cart_recovery_suppression_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.get_reason_display()}"
