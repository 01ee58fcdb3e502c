from __future__ import annotations

import secrets
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cart_recovery.conf import conf
from cart_recovery.models.contacts import Contact
from cart_recovery.models.followups import FollowUp
from cart_recovery.nested_settings import check_rating_low


class ReviewLink(models.Model):
    """A personal link to review some lines of an order. Only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="review_links", verbose_name=_("contact")
    )
    order = models.ForeignKey(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("order"),
    )  # fmt: skip
    #: keys of the lines that it is for, as text
    line_ids = models.JSONField(default=list, editable=False)
    followup = models.ForeignKey(
        FollowUp, models.SET_NULL, null=True, blank=True, related_name="review_links",
        verbose_name=_("follow-up"),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    #: the first review or rating that came of it; looking at the page writes nothing
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        verbose_name = _("review link")
        verbose_name_plural = _("review links")
        indexes = [
            # retention: what no longer works
            models.Index(fields=["expires_at"], name="cart_recovery_rlink_expired"),
            # results, and the list in admin: a period of it
            models.Index(fields=["created_at", "id"], name="cart_recovery_rlink_period"),
        ]

    def __str__(self) -> str:
        return _("Review link %(pk)s") % {"pk": self.pk}


def photo_name(_row: Any, _name: str) -> str:
    """A path that nobody guesses and that says nothing of the order or of the uploaded file."""
    token = secrets.token_hex(16)
    return f"cart_recovery/reviews/{token[:2]}/{token}.jpg"


class LineReview(models.Model):
    """Which of Oscar's reviews was written for a line of an order: a verified purchase.

    Several lines of one product share a review.
    """

    #: unique: a line is reviewed once, however often the form comes in
    line = models.OneToOneField(
        "order.Line", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("line"),
    )  # fmt: skip
    order = models.ForeignKey(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("order"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="line_reviews",
        verbose_name=_("contact"),
    )  # fmt: skip
    link = models.ForeignKey(
        ReviewLink, models.SET_NULL, null=True, blank=True, related_name="line_reviews",
        verbose_name=_("review link"),
    )  # fmt: skip
    review = models.ForeignKey(
        "reviews.ProductReview", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("review"),
    )  # fmt: skip
    photo = models.FileField(_("photo"), upload_to=photo_name, blank=True, max_length=200)
    #: readers are told that the author got something for it
    was_thanked = models.BooleanField(_("thanked with a voucher"), default=False)
    written_at = models.DateTimeField(_("written"))
    edited_at = models.DateTimeField(_("changed"), null=True, blank=True)

    class Meta:
        verbose_name = _("review of a line")
        verbose_name_plural = _("reviews of lines")
        indexes = [
            # results, moderation, and the list in admin: a period of it
            models.Index(fields=["written_at", "id"], name="cart_recovery_review_period"),
            # retention: which still say whose they are
            models.Index(
                fields=["written_at"], name="cart_recovery_review_person",
                condition=Q(contact__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Review of line %(pk)s") % {"pk": self.line_id}


class RatingSource(models.TextChoices):
    MAIL = "mail", _("tapped in the mail")
    SMS = "sms", _("reply by SMS")
    PAGE = "page", _("on the review page")


class ServiceRating(models.Model):
    """How well the shop served, by the customer's grade. One per order."""

    order = models.OneToOneField(
        "order.Order", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("order"),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="ratings",
        verbose_name=_("contact"),
    )  # fmt: skip
    score = models.SmallIntegerField(_("rating"))
    #: the scale that it was given on: which end is the good one may differ
    best = models.SmallIntegerField(_("best rating"))
    worst = models.SmallIntegerField(_("worst rating"))
    source = models.CharField(_("how it came"), max_length=16, choices=RatingSource)
    #: the request that it answers
    followup = models.ForeignKey(
        FollowUp, models.SET_NULL, null=True, blank=True, related_name="ratings",
        verbose_name=_("follow-up"),
    )  # fmt: skip
    comment = models.TextField(_("comment"), blank=True)
    rated_at = models.DateTimeField(_("rated"))
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)

    class Meta:
        verbose_name = _("service rating")
        verbose_name_plural = _("service ratings")
        # results, retention, and the list in admin: a period of it
        indexes = [models.Index(fields=["rated_at", "id"], name="cart_recovery_rating_period")]

    def __str__(self) -> str:
        return _("Rating %(score)s") % {"score": self.score}

    @property
    def is_low(self) -> bool:
        """Whether somebody of the shop should look after it. On a scale that the shop had before, its
        worse half."""
        scale = {"best": self.best, "worst": self.worst}
        if scale == conf.RATING_SCALE:
            return self.score in conf.RATING_LOW
        return self.score in check_rating_low((), scale)
