from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.contacts import Contact
from cart_recovery.models.followups import FollowUp
from cart_recovery.provider_events import EventKind


def new_public_id() -> str:
    """32 hex digits that say nothing; the only key of a message that providers ever see."""
    return uuid.uuid4().hex


class MessageState(models.TextChoices):
    SENDING = "sending", _("being handed over")
    RETRY = "retry", _("will be tried again")
    UNKNOWN = "unknown", _("outcome unknown")
    SENT = "sent", _("accepted by the provider")
    DEFERRED = "deferred", _("delayed at the provider")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed")
    BOUNCED = "bounced", _("bounced")
    COMPLAINED = "complained", _("marked as spam")
    WITHDRAWN = "withdrawn", _("withdrawn before sending")


#: what staff look for first; rare, so that an index of these alone stays small
PROBLEM_STATES = (
    MessageState.RETRY, MessageState.UNKNOWN, MessageState.DEFERRED, MessageState.FAILED,
    MessageState.BOUNCED, MessageState.COMPLAINED,
)  # fmt: skip


class Message(models.Model):
    """One rendered send: the act. Written and committed before the provider is called."""

    #: what it was made from: a planned step, or something that the app itself has to say
    followup = models.OneToOneField(
        FollowUp, models.CASCADE, null=True, blank=True, related_name="message",
        verbose_name=_("follow-up"),
    )  # fmt: skip
    notice = models.OneToOneField(
        "cart_recovery.Notice", models.CASCADE, null=True, blank=True, related_name="message",
        verbose_name=_("notice"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="messages", verbose_name=_("contact")
    )
    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    channel = models.CharField(_("channel"), max_length=32)
    language = models.CharField(_("language"), max_length=16)
    state = models.CharField(
        _("state"), max_length=16, choices=MessageState, default=MessageState.SENDING
    )
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    to_address = models.CharField(_("recipient"), max_length=254)
    address_digest = models.CharField(_("address hash"), max_length=64, db_index=True)
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    html = models.TextField(_("HTML"), blank=True)
    text = models.TextField(_("text"), blank=True)
    sms_parts = models.PositiveSmallIntegerField(_("SMS parts"), default=0)
    provider_message_id = models.CharField(
        _("provider's id"), max_length=128, blank=True, db_index=True
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=1)
    sending_at = models.DateTimeField(_("handed over"))
    sent_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    #: when recipient and texts were removed, by retention or erasure
    emptied_at = models.DateTimeField(_("emptied"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.CheckConstraint(
                condition=Q(followup__isnull=False, notice__isnull=True)
                | Q(followup__isnull=True, notice__isnull=False),
                name="cart_recovery_message_origin",
            )
        ]
        indexes = [
            # retention: whose texts are still there
            models.Index(
                fields=["created_at"], name="cart_recovery_message_full",
                condition=Q(emptied_at__isnull=True),
            ),
            # sweep: calls whose worker has died
            models.Index(
                fields=["sending_at"], name="cart_recovery_message_stuck",
                condition=Q(state="sending"),
            ),
            # reports: what was sent on a day, and what no provider took
            models.Index(fields=["sent_at"], name="cart_recovery_message_sent"),
            models.Index(
                fields=["sending_at"], name="cart_recovery_message_refused",
                condition=Q(state="failed", sent_at__isnull=True),
            ),
            # caps and histories of one person
            models.Index(fields=["contact", "created_at"], name="cart_recovery_message_contact"),
            # the log in admin: a period of it
            models.Index(fields=["created_at", "id"], name="cart_recovery_message_period"),
            # the log in admin: what went wrong
            models.Index(
                fields=["id"], name="cart_recovery_message_problem",
                condition=Q(state__in=PROBLEM_STATES),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Message %(pk)s") % {"pk": self.pk}


class DeliveryEvent(models.Model):
    """A provider's report in our vocabulary. The same report never makes two rows."""

    KINDS = [
        (EventKind.ACCEPTED, _("accepted")),
        (EventKind.SENT, _("sent on")),
        (EventKind.DELIVERED, _("delivered")),
        (EventKind.DEFERRED, _("delayed at the provider")),
        (EventKind.BOUNCED, _("bounced")),
        (EventKind.COMPLAINED, _("marked as spam")),
        (EventKind.UNSUBSCRIBED, _("unsubscribed at the provider")),
        (EventKind.OPENED, _("opened")),
        (EventKind.CLICKED, _("clicked")),
        (EventKind.FAILED, _("failed")),
    ]

    message = models.ForeignKey(
        Message, models.CASCADE, null=True, blank=True, related_name="events",
        verbose_name=_("message"),
    )  # fmt: skip
    channel = models.CharField(_("channel"), max_length=32)
    kind = models.CharField(_("kind"), max_length=16, choices=KINDS)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), auto_now_add=True, db_index=True)
    dedupe_key = models.CharField(max_length=100, unique=True, editable=False)
    code = models.CharField(_("code"), max_length=64, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    is_machine = models.BooleanField(_("by a machine"), default=False)

    class Meta:
        verbose_name = _("delivery event")
        verbose_name_plural = _("delivery events")

    def __str__(self) -> str:
        return self.get_kind_display()


class WebhookPayload(models.Model):
    """A verified webhook as it came, kept for repair. Never trusted, never executed."""

    channel = models.CharField(_("channel"), max_length=32)
    body = models.TextField(_("content"))
    received_at = models.DateTimeField(_("received"), auto_now_add=True, db_index=True)
    accepted = models.PositiveIntegerField(_("understood"), default=0)
    rejected = models.PositiveIntegerField(_("not understood"), default=0)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return f"{self.channel} {self.pk}"


class WebhookMention(models.Model):
    """That a kept webhook speaks of an address, so that an erasure finds it without reading all."""

    webhook = models.ForeignKey(WebhookPayload, models.CASCADE, related_name="mentions")
    address_digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        verbose_name = _("address in a webhook")
        verbose_name_plural = _("addresses in webhooks")

    def __str__(self) -> str:
        return _("Webhook %(pk)s") % {"pk": self.webhook_id}


class Reply(models.Model):
    """A person's answer on a two-way channel."""

    channel = models.CharField(_("channel"), max_length=32)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="replies",
        verbose_name=_("contact"),
    )  # fmt: skip
    sender = models.CharField(_("sender"), max_length=64, db_index=True)
    body = models.TextField(_("text"))
    keyword = models.CharField(_("understood as"), max_length=16, blank=True)
    provider_message_id = models.CharField(_("provider's id"), max_length=128, unique=True)
    received_at = models.DateTimeField(_("received"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")

    def __str__(self) -> str:
        return _("Reply %(pk)s") % {"pk": self.pk}
