"""Oscar's product reviews: what can be reviewed of an order, what was, and writing it down."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from oscar.core.loading import get_class, get_model

from cart_recovery.shop import catalogue
from cart_recovery.shop.baskets import related

logger = logging.getLogger(__name__)

#: of Oscar's column
MAX_TITLE = MAX_NAME = 255


class ReviewStatus(StrEnum):
    WAITING = "waiting"
    PUBLISHED = "published"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Reviewable:
    """A line of an order, and the product whose page shows its reviews.

    That is the parent of a child product: Oscar's lists lead shoppers there. `product_id` is None
    where the product is gone, or not public any more. Texts are "" where there is nothing to say.
    """

    line_id: Any
    product_id: Any | None
    title: str
    image_url: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    review_id: Any
    product_id: Any
    user_id: Any | None
    score: int
    title: str
    body: str
    status: ReviewStatus
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ReviewText:
    """What somebody says of a product: `score` 1 to 5. `name` shows where there is no user."""

    score: int
    title: str
    body: str
    name: str = ""


def load_lines(order_id: Any, line_ids: Collection[Any]) -> list[Reviewable]:
    """These lines as far as they belong to this order, in its order. Four queries."""
    lines = (
        get_model("order", "Line")
        ._base_manager.filter(order_id=order_id, pk__in=list(line_ids))
        .order_by("pk")
    )
    rows = list(lines)
    products = {
        p.pk: p for p in catalogue.products_with_facts().filter(pk__in={r.product_id for r in rows})
    }
    return [_reviewable(row, products.get(row.product_id)) for row in rows]


def _reviewable(line: Any, product: Any | None) -> Reviewable:
    if product is None:
        return Reviewable(line.pk, None, str(line.title), "", line.quantity)
    shown = catalogue.parent_of(product) or product
    return Reviewable(
        line_id=line.pk,
        product_id=shown.pk if catalogue.is_public(product) else None,
        title=catalogue.product_title(product) or str(line.title),
        image_url=catalogue.image_url(product),
        quantity=line.quantity,
    )


def load_reviews(review_ids: Collection[Any]) -> dict[Any, ReviewFacts]:
    """Reviews by key; without those that are gone."""
    if not review_ids:
        return {}
    return {row.review_id: row for row in _facts(Q(pk__in=list(review_ids)))}


def reviews_by(user_id: Any | None, product_ids: Collection[Any]) -> dict[Any, ReviewFacts]:
    """What this user has said of these products, by product; nothing for nobody."""
    if user_id is None or not product_ids:
        return {}
    found = _facts(Q(user_id=user_id, product_id__in=list(product_ids)))
    return {row.product_id: row for row in found}


def reviewed_by_customers(line_ids: Collection[Any]) -> set[Any]:
    """The lines whose product the order's customer has reviewed, wherever they did: logged in, or as
    a guest who gave the order's address. Two queries."""
    lines = get_model("order", "Line")._base_manager.filter(
        pk__in=list(line_ids), product__isnull=False
    )
    rows = list(
        lines.order_by().values_list(
            "pk", "order__user", Lower("order__guest_email"), "product", "product__parent"
        )
    )
    if not rows:
        return set()
    users = {user for _pk, user, *_rest in rows if user is not None}
    emails = {email for _pk, _user, email, *_rest in rows if email}
    products = {key for _pk, _user, _email, *keys in rows for key in keys if key is not None}
    reviews = get_model("reviews", "ProductReview")._base_manager.filter(product__in=products)
    said = reviews.annotate(address=Lower("email")).filter(
        Q(user__in=users) | Q(user__isnull=True, address__in=emails)
    )
    found = set(said.order_by().values_list("user", "address", "product"))
    by_user = {(user, product) for user, _email, product in found if user is not None}
    by_email = {(email, product) for user, email, product in found if user is None}
    return {
        pk
        for pk, user, email, *keys in rows
        if any((user, key) in by_user or (email, key) in by_email for key in keys)
    }


def lines_on_show(line_ids: Collection[Any]) -> set[Any]:
    """Those of these lines whose product shoppers can still see, and review. One query."""
    if not line_ids:
        return set()
    lines = get_model("order", "Line")._base_manager.filter(pk__in=list(line_ids))
    rows = lines.select_related("product__parent").order_by()
    return {
        row.pk
        for row in rows
        if (product := related(row, "product")) is not None and catalogue.is_public(product)
    }


def permits_review(product_id: Any, user_id: Any | None) -> bool:
    """Whether the shop takes a first review of the product, by the rule of its own form."""
    product = get_model("catalogue", "Product")._base_manager.filter(pk=product_id).first()
    if product is None:
        return False
    user = get_user_model()._default_manager.filter(pk=user_id).first() if user_id else None
    return bool(product.is_review_permitted(user or AnonymousUser()))


def create_review(
    product_id: Any, text: ReviewText, *, user_id: Any | None, email: str, is_held: bool
) -> Any:
    """Write a review and give its key. `is_held`: it waits for moderation even where the shop
    publishes at once. Raises IntegrityError where this user has reviewed the product already."""
    model = get_model("reviews", "ProductReview")
    review = model(product_id=product_id, user_id=user_id)
    _fill(review, text)
    if user_id is None:
        review.name, review.email = text.name, email
    if is_held:
        review.status = model.FOR_MODERATION
    review.save()
    return review.pk


def change_review(review_id: Any, text: ReviewText, *, is_held: bool) -> None:
    """Write a review anew; what moderation decided stays, unless `is_held`: then it waits for
    moderation again. A name that is not given stays as well."""
    model = get_model("reviews", "ProductReview")
    review = model._base_manager.get(pk=review_id)
    _fill(review, text)
    if is_held:
        review.status = model.FOR_MODERATION
    if review.user_id is None and text.name:
        review.name = text.name
    review.save()


def announce(review_id: Any, request: HttpRequest, response: HttpResponse) -> None:
    """Send the signal of Oscar's own form, whose receivers may count, thank or tell staff.

    `user` is the review's, not who is logged in: the link may be opened anywhere. What a receiver
    does wrong does not reach the shopper.
    """
    review_added = get_class("catalogue.reviews.signals", "review_added")
    review = get_model("reviews", "ProductReview")._base_manager.filter(pk=review_id).first()
    if review is None:
        return
    user = related(review, "user") or AnonymousUser()
    # `send_robust` logs what goes wrong
    review_added.send_robust(
        sender=type(review), review=review, user=user, request=request, response=response
    )


def shown_products(product_ids: Collection[Any]) -> dict[Any, Any]:
    """The product whose page shows the reviews of each: a child's is its parent. One query."""
    if not product_ids:
        return {}
    rows = get_model("catalogue", "Product")._base_manager.filter(pk__in=list(product_ids))
    found = rows.order_by().values_list("pk", "parent")
    return {pk: pk if parent is None else parent for pk, parent in found}


def product_titles(product_ids: Collection[Any]) -> dict[Any, str]:
    """Titles by product. One query."""
    if not product_ids:
        return {}
    rows = get_model("catalogue", "Product")._base_manager.filter(pk__in=list(product_ids))
    return {row.pk: catalogue.product_title(row) for row in rows}


def moderation_path(review_id: Any) -> str:
    """Path of Oscar's own page to decide on a review; "" where the shop has none."""
    try:
        return reverse("dashboard:reviews-update", kwargs={"pk": review_id})
    except NoReverseMatch:
        return ""


def may_moderate(user: Any) -> bool:
    """Whether Oscar's dashboard lets this member of staff decide on reviews."""
    rights = ("reviews.view_productreview", "reviews.change_productreview")
    return bool(user.has_perms(rights))


def order_path(number: str) -> str:
    """Path of the order in Oscar's dashboard; "" where the shop has none."""
    try:
        return reverse("dashboard:order-detail", kwargs={"number": number})
    except NoReverseMatch:
        return ""


def forget_authors(review_ids: Iterable[Any], *, name: str) -> None:
    """Take name and address of guests out of reviews; what was said stays the shop's."""
    reviews = get_model("reviews", "ProductReview")._base_manager.filter(pk__in=list(review_ids))
    reviews.filter(user__isnull=True).exclude(name=name, email="").update(name=name, email="")


def _fill(review: Any, text: ReviewText) -> None:
    review.score = text.score
    review.title = text.title[:MAX_TITLE]
    review.body = text.body


def stored_statuses() -> dict[ReviewStatus, int]:
    """Our words -> what Oscar's column holds."""
    model = get_model("reviews", "ProductReview")
    return {
        ReviewStatus.WAITING: model.FOR_MODERATION,
        ReviewStatus.PUBLISHED: model.APPROVED,
        ReviewStatus.REJECTED: model.REJECTED,
    }


def review_status(review: Any) -> ReviewStatus:
    """The status of one of Oscar's rows. A fork's own status is no decision that we know."""
    known = {stored: status for status, stored in stored_statuses().items()}
    return known.get(review.status, ReviewStatus.WAITING)


def _facts(condition: Q) -> list[ReviewFacts]:
    rows = get_model("reviews", "ProductReview")._base_manager.filter(condition).order_by("pk")
    return [
        ReviewFacts(
            review_id=row.pk, product_id=row.product_id, user_id=row.user_id, score=row.score,
            title=row.title, body=row.body, created_at=row.date_created, status=review_status(row),
        )
        for row in rows
    ]  # fmt: skip
