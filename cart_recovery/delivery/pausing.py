"""Pausing a channel whose provider refuses us, or asks us to wait."""

from __future__ import annotations

import datetime as dt
import logging

from django.core import checks
from django.core.mail import mail_admins
from django.utils.translation import gettext as _

from cart_recovery import signals
from cart_recovery.channels.registry import get_channel
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import ChannelStatus

logger = logging.getLogger(__name__)


def pause(alias: str, *, reason: str, now: dt.datetime) -> None:
    """Stop using a channel until staff resume it, and tell them once."""
    status, _is_new = ChannelStatus.objects.get_or_create(channel=alias)
    if status.paused_at is not None:
        return
    updated = ChannelStatus.objects.filter(pk=status.pk, paused_at__isnull=True).update(
        paused_at=now, reason=reason[:500]
    )
    if not updated:
        return
    logger.error("Channel %s is paused: %s", alias, reason)
    mail_admins(
        _("Cart recovery: channel %(alias)s is paused") % {"alias": alias},
        _("The provider refuses us: %(reason)s\nRepair the settings, then resume the channel.")
        % {"reason": reason},
        fail_silently=True,
    )
    signals.channel_paused.send_robust(sender=ChannelStatus, alias=alias, reason=reason)


def hold(alias: str, *, until: dt.datetime) -> None:
    """Use a channel no earlier than `until`, as its provider's rate limit asks."""
    ChannelStatus.objects.update_or_create(channel=alias, defaults={"not_before": until})


def obstacles(alias: str) -> list[str]:
    """What is still wrong with the settings of a channel, so that resuming it would be of no use."""
    try:
        found = get_channel(alias).check()
    except ChannelConfigurationError as error:
        return [str(error)]
    return [message.msg for message in found if message.is_serious(checks.ERROR)]


def resume(alias: str) -> None:
    """Use the channel again."""
    ChannelStatus.objects.filter(channel=alias).update(paused_at=None, not_before=None, reason="")
