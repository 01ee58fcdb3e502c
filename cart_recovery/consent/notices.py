"""Planning what the app itself has to say to a person: a row that delivery sends, soon or never."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from cart_recovery import signals
from cart_recovery.conf import conf
from cart_recovery.consent.addresses import digest_on
from cart_recovery.models import Contact, FollowUpState, Notice, NoticeKind, OptIn

#: nobody wants the answer to what they asked longer ago than this. A confirmation of an opt-out is
#: only allowed within five minutes (47 CFR 64.1200(a)(12))
LIFETIMES: Final[Mapping[str, dt.timedelta]] = {
    NoticeKind.OPT_IN: dt.timedelta(days=1),
    NoticeKind.STOP_CONFIRMED: dt.timedelta(minutes=5),
    NoticeKind.HELP: dt.timedelta(hours=1),
    NoticeKind.DATA_EXPORT: dt.timedelta(days=1),
    NoticeKind.SAVED_BASKET: dt.timedelta(days=1),
    # who tries a text out looks for it now
    NoticeKind.TEST: dt.timedelta(minutes=15),
    NoticeKind.RATING_THANKS: dt.timedelta(days=1),
}
#: who asks again sooner gets no second one. Double opt-ins have their own throttle (see
#: `opt_ins`), and so have tests (see `delivery.testing`)
PAUSES: Final[Mapping[str, dt.timedelta]] = {
    NoticeKind.STOP_CONFIRMED: dt.timedelta(days=1),
    NoticeKind.HELP: dt.timedelta(hours=1),
    NoticeKind.DATA_EXPORT: dt.timedelta(hours=1),
    NoticeKind.SAVED_BASKET: dt.timedelta(hours=1),
    # who changes a rating is thanked once
    NoticeKind.RATING_THANKS: dt.timedelta(days=1),
}


def plan(  # noqa: PLR0913 what a notice consists of, all by keyword
    kind: str,
    contact: Contact,
    *,
    channel: str,
    language: str = "",
    opt_in: OptIn | None = None,
    basket_id: Any = None,
    content: dict[str, Any] | None = None,
    now: dt.datetime | None = None,
) -> Notice | None:
    """Plan a notice to the address that the contact has on this channel; None where there is no
    address, or where the person was sent one of this kind only just now.

    Sends `notice_planned` once committed. Raises ValueError for an unknown kind.
    """
    kind = NoticeKind(kind)
    now = now or timezone.now()
    digest = digest_on(contact, channel)
    if not digest or contact.erased_at or _is_repeated(kind, contact, channel, now):
        return None
    notice = Notice.objects.create(
        kind=kind, contact=contact, channel=channel, address_digest=digest, opt_in=opt_in,
        basket_id=basket_id, content=content,
        language=(language or contact.language or conf.LANGUAGES[0])[:16],
        created_at=now, due_at=now, expires_at=now + LIFETIMES[kind],
    )  # fmt: skip
    transaction.on_commit(
        functools.partial(
            signals.notice_planned.send_robust, sender=Notice, notice_ids=[notice.pk]
        ),
        robust=True,
    )
    return notice


def _is_repeated(kind: NoticeKind, contact: Contact, channel: str, now: dt.datetime) -> bool:
    pause = PAUSES.get(kind)
    if pause is None:
        return False
    recent = Notice.objects.filter(
        contact=contact, kind=kind, channel=channel, created_at__gt=now - pause
    )
    return recent.exclude(state=FollowUpState.CANCELLED).exists()
