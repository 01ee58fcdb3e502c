"""The door for providers: verified first, kept as it came, then read.

Answers: 403 for what the provider did not sign, 413 for what is too large, 503 while there is no
key to verify with (the provider comes again), 200 for what will never be understood.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cart_recovery.channels.base import Channel
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.channels.sendgrid import SendGridChannel
from cart_recovery.channels.twilio import TwilioSmsChannel
from cart_recovery.conf import conf
from cart_recovery.delivery.events import ingest
from cart_recovery.exceptions import ChannelConfigurationError, WebhookRefusedError
from cart_recovery.inbound.mail_opt_outs import SendGridInboundParse
from cart_recovery.inbound.mentions import keep
from cart_recovery.inbound.opt_outs import take_opt_outs
from cart_recovery.inbound.receivers import Parsed, RawRequest, Receiver
from cart_recovery.inbound.replies import take_texts
from cart_recovery.inbound.sendgrid import SendGridEvents
from cart_recovery.inbound.twilio import TwilioInbound, TwilioStatus
from cart_recovery.shop.site import absolute_url

logger = logging.getLogger(__name__)

#: kind of channel -> kind of webhook -> who reads it
RECEIVERS: Final[Mapping[type[Channel], Mapping[str, Receiver[Any]]]] = {
    SendGridChannel: {"events": SendGridEvents(), "parse": SendGridInboundParse()},
    TwilioSmsChannel: {"status": TwilioStatus(), "inbound": TwilioInbound()},
}


# not in the request's transaction: the raw payload stays even if what follows from it fails
@transaction.non_atomic_requests
@csrf_exempt
@require_POST
def receive(request: HttpRequest, channel: str, kind: str) -> HttpResponse:
    """Take one webhook of an alias."""
    if channel not in configured_aliases():
        raise Http404
    try:
        target = get_channel(channel)
        receiver = _find_receiver(target, kind)
        body = _read_body(request)
        if body is None:
            logger.warning("A webhook of %s is too large.", channel)
            return HttpResponse(status=413)
        raw = RawRequest(
            absolute_url(request.get_full_path()), request.GET.dict(), request.headers, body
        )
        receiver.verify(raw, target)
    except WebhookRefusedError as error:
        logger.warning("A webhook of %s is refused: %s.", channel, error)
        return HttpResponse(status=403)
    except ChannelConfigurationError as error:
        logger.error("A webhook of %s cannot be verified: %s", channel, error)  # noqa: TRY400 the text says all
        return HttpResponse(status=503)
    except UnreadablePostError:
        # the caller hung up
        return HttpResponse(status=400)
    _take(raw, receiver, target)
    return HttpResponse(receiver.answer, status=receiver.status, content_type=receiver.content_type)


def _find_receiver(channel: Channel, kind: str) -> Receiver[Any]:
    for channel_class, receivers in RECEIVERS.items():
        if isinstance(channel, channel_class) and kind in receivers:
            return receivers[kind]
    raise Http404


def _read_body(request: HttpRequest) -> bytes | None:
    """The body as it came, or None if it is too large to be read at all."""
    limit = conf.WEBHOOK_MAX_BYTES
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    if announced > limit:
        return None
    body = request.read(limit + 1)
    return None if len(body) > limit else body


def _take(raw: RawRequest, receiver: Receiver[Any], channel: Channel) -> None:
    try:
        parsed = receiver.parse(raw, channel)
    except Exception:
        # signed and not to be understood: it will not be better next time, but we may be
        logger.exception("A webhook of %s could not be read.", channel.alias)
        parsed = Parsed(rejected=1)
    keep(raw.body.decode("utf-8", "replace").replace("\x00", "\ufffd"), parsed, channel)
    if parsed.events:
        ingest(parsed.events)
    if parsed.texts:
        take_texts(parsed.texts, channel)
    if parsed.opt_outs:
        take_opt_outs(parsed.opt_outs, channel)
