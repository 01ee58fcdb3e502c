"""Deleting rows together with what hangs on them, in statements whose number does not grow.

Django's own cascade reads every row before it deletes it, bodies of messages included, and asks
again per hundred keys.
"""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.models import Exists, OuterRef, QuerySet

from cart_recovery.models import (
    CheckoutTrouble,
    ConsentChain,
    ConsentRecord,
    Contact,
    Conversion,
    DeliveryEvent,
    EnrolledLine,
    Enrolment,
    FollowUp,
    LineReview,
    LinkClick,
    Message,
    Notice,
    OptIn,
    OptInState,
    OrderMilestone,
    Reply,
    RestoreLink,
    ReviewLink,
    ServiceRating,
    StaffTask,
    TrackedCart,
    TrackedOrder,
    VoucherGrant,
    WebhookMention,
    WebhookPayload,
)

#: what a contact that did nothing but ask for a double opt-in has none of
OTHER_TRACES = (
    ConsentRecord, ConsentChain, TrackedCart, TrackedOrder, Enrolment, Message, Notice, OptIn, Reply,
    RestoreLink, Conversion, ReviewLink, LineReview, ServiceRating, StaffTask, VoucherGrant,
)  # fmt: skip


def delete(rows: QuerySet[Any]) -> int:
    """One DELETE, without reading the rows. Only for those on which nothing hangs any more."""
    # None where there is nothing to ask the database for
    return int(rows._raw_delete(router.db_for_write(rows.model)) or 0)


def remove_webhooks(ids: list[int]) -> int:
    delete(WebhookMention.objects.filter(webhook_id__in=ids))
    return delete(WebhookPayload.objects.filter(pk__in=ids))


def remove_links(ids: list[int]) -> int:
    delete(LinkClick.objects.filter(link_id__in=ids))
    return delete(RestoreLink.objects.filter(pk__in=ids))


def remove_review_links(ids: list[int]) -> int:
    """What was written behind them stays."""
    LineReview.objects.filter(link_id__in=ids).update(link=None)
    return delete(ReviewLink.objects.filter(pk__in=ids))


def remove_messages(messages: QuerySet[Message]) -> int:
    """With their events. A credit stays, without saying which message it was."""
    ids = list(messages.values_list("pk", flat=True))
    delete(DeliveryEvent.objects.filter(message_id__in=ids))
    Conversion.objects.filter(message_id__in=ids).update(message=None)
    return delete(Message.objects.filter(pk__in=ids))


def remove_carts(ids: list[int]) -> int:
    """With the enrolments, messages and links; vouchers and credits stay on their own."""
    remove_links(list(RestoreLink.objects.filter(cart_id__in=ids).values_list("pk", flat=True)))
    _remove_enrolments(Enrolment.objects.filter(cart_id__in=ids))
    Conversion.objects.filter(cart_id__in=ids).update(cart=None)
    delete(CheckoutTrouble.objects.filter(cart_id__in=ids))
    return delete(TrackedCart.objects.filter(pk__in=ids))


def remove_orders(ids: list[int]) -> int:
    """With the enrolments, messages and milestones; reviews, vouchers and tasks stay on their own."""
    _remove_enrolments(Enrolment.objects.filter(order_id__in=ids))
    delete(OrderMilestone.objects.filter(tracked_id__in=ids))
    return delete(TrackedOrder.objects.filter(pk__in=ids))


def _remove_enrolments(enrolments: QuerySet[Enrolment]) -> None:
    ids = list(enrolments.values_list("pk", flat=True))
    followups = FollowUp.objects.filter(enrolment__in=ids)
    followup_ids = list(followups.values_list("pk", flat=True))
    remove_messages(Message.objects.filter(followup_id__in=followup_ids))
    links = RestoreLink.objects.filter(followup_id__in=followup_ids)
    remove_links(list(links.values_list("pk", flat=True)))
    for model in (VoucherGrant, ReviewLink, ServiceRating):
        model._base_manager.filter(followup_id__in=followup_ids).update(followup=None)
    delete(FollowUp.objects.filter(pk__in=followup_ids))
    delete(EnrolledLine.objects.filter(enrolment_id__in=ids))
    delete(Enrolment.objects.filter(pk__in=ids))


def remove_notices(ids: list[int]) -> int:
    """With their messages, and the double opt-ins that they were about unless one still waits."""
    remove_messages(Message.objects.filter(notice_id__in=ids))
    settled = OptIn.objects.filter(notice__in=ids).exclude(state=OptInState.PENDING)
    opt_in_ids = list(settled.values_list("pk", flat=True))
    removed = delete(Notice.objects.filter(pk__in=ids))
    delete(OptIn.objects.filter(pk__in=opt_in_ids))
    return removed


def remove_unconfirmed(opt_in_ids: list[int]) -> int:
    """Double opt-ins that nobody confirmed; the contact too where nothing else is known of it."""
    opt_ins = OptIn.objects.filter(pk__in=opt_in_ids, state=OptInState.PENDING)
    # whoever confirms in this moment is first or finds nothing
    rows = dict(opt_ins.select_for_update().values_list("pk", "contact_id"))
    notices = list(Notice.objects.filter(opt_in__in=rows).values_list("pk", flat=True))
    remove_messages(Message.objects.filter(notice_id__in=notices))
    delete(Notice.objects.filter(pk__in=notices))
    removed = delete(OptIn.objects.filter(pk__in=rows))
    _remove_blank_contacts(set(rows.values()))
    return removed


def _remove_blank_contacts(contact_ids: set[int]) -> None:
    blank = Contact.objects.filter(
        pk__in=contact_ids, user__isnull=True, merged_into__isnull=True, erased_at__isnull=True
    ).exclude(Exists(Contact.objects.filter(merged_into=OuterRef("pk"))))
    for model in OTHER_TRACES:
        blank = blank.exclude(Exists(model._base_manager.filter(contact=OuterRef("pk"))))
    # by keys: MySQL deletes from no table that the same statement reads. What is left hangs by
    # CASCADE and is asked for by Django itself
    Contact.objects.filter(pk__in=list(blank.values_list("pk", flat=True))).delete()
