from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChannelStatus(models.Model):
    """Whether a channel may be used. A provider that refuses us pauses it; staff resume it."""

    channel = models.CharField(_("channel"), max_length=32, unique=True)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    #: a rate limit of the provider: nothing goes out before
    not_before = models.DateTimeField(_("waits until"), null=True, blank=True)

    class Meta:
        verbose_name = _("channel status")
        verbose_name_plural = _("channel states")

    def __str__(self) -> str:
        return self.channel


class Heartbeat(models.Model):
    """When a stage last ran, and what it did: a dead worker shows."""

    stage = models.CharField(_("stage"), max_length=32, unique=True)
    ran_at = models.DateTimeField(_("last run"))
    result = models.JSONField(_("result"), default=dict)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.stage
