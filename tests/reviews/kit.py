"""Orders that are asked about, links as the delivery makes them, and forms as the page sends them."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oscar.core.loading import get_model
from oscar.test.factories import create_order
from PIL import Image

from cart_recovery import models
from cart_recovery.reviews.links import ReviewRequest, create_review_tokens
from tests import factories

TEXT = {"score": "4", "title": "Gut", "body": "Hält den Tee lange warm."}


def make_order(*products: Any, user: Any = None, email: str = "") -> Any:
    """An order of the products, one line each, as Oscar writes it."""
    basket = factories.make_basket(*(products or (factories.make_product("Teekanne"),)), owner=user)
    number = f"R{next(factories.counter):06d}"
    order = create_order(number=number, basket=basket, user=user)
    if user is None:
        order.guest_email = email or f"gast-{order.number.lower()}@example.de"
        order.save()
    return order


def make_request(
    order: Any, *, channel: str = "email", contact: Any = None, thanks: Any = None, **kwargs: Any
) -> models.FollowUp:
    """The follow-up of a review request about the order."""
    campaign = factories.make_campaign(
        trigger=models.Trigger.REVIEW_REQUEST, channels=(channel,), thanks=thanks, **kwargs
    )
    now = timezone.now()
    contact = contact or factories.make_contact(order.guest_email or "")
    tracked, _ = models.TrackedOrder.objects.get_or_create(
        order=order, defaults={"contact": contact, "language": "de", "created_at": now}
    )
    enrolment = models.Enrolment.objects.create(
        campaign=campaign, contact=contact, order=tracked, clock_at=now, enrolled_at=now
    )
    models.EnrolledLine.objects.bulk_create(
        models.EnrolledLine(enrolment=enrolment, line=line) for line in order.lines.all()
    )
    return models.FollowUp.objects.create(
        enrolment=enrolment, step=campaign.steps.get(), planned_for=now, due_at=now,
        state=models.FollowUpState.DONE,
    )  # fmt: skip


def make_link(order: Any, *lines: Any, followup: Any = None, **kwargs: Any) -> str:
    """The token of a link to these lines of the order (all, if none are named)."""
    followup = followup or make_request(order, **kwargs)
    keys = tuple(line.pk for line in lines or order.lines.order_by("pk"))
    request = ReviewRequest(followup.enrolment.contact_id, order.pk, keys, followup.pk)
    return create_review_tokens([request], timezone.now())[0]


def path_of(token: str, query: str = "") -> str:
    return reverse("cart_recovery:review", kwargs={"token": token}) + query


def fields(line: Any, **values: Any) -> dict[str, Any]:
    """What the form sends of one line."""
    return {f"line-{line.pk}-{name}": value for name, value in {**TEXT, **values}.items()}


def send(client: Client, token: str, *parts: dict[str, Any], query: str = "") -> Any:
    data = {name: value for part in parts for name, value in part.items()}
    return client.post(path_of(token, query), data)


def reviews() -> list[Any]:
    return list(get_model("reviews", "ProductReview").objects.order_by("pk"))


def make_photo(
    size: tuple[int, int] = (40, 30), kind: str = "JPEG", name: str = "IMG_1.jpg", **how: Any
) -> SimpleUploadedFile:
    kept = io.BytesIO()
    Image.new("RGB", size, "teal").save(kept, kind, **how)
    return SimpleUploadedFile(name, kept.getvalue(), content_type="image/jpeg")


def read_early(get_response: Any) -> Any:
    """A middleware of a shop that looks into each form."""

    def middleware(request: Any) -> Any:
        request.POST.get("anything")
        return get_response(request)

    return middleware
