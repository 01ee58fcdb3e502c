from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cart_recovery.models.consents import OptIn
from cart_recovery.models.contacts import Contact
from cart_recovery.models.followups import FollowUpState
from cart_recovery.models.reasons import reason_choices


class NoticeKind(models.TextChoices):
    """What the app itself has to say to a person, outside of any campaign and without advertising."""

    OPT_IN = "opt_in", _("confirm a double opt-in")
    STOP_CONFIRMED = "stop_confirmed", _("the opt-out is confirmed")
    HELP = "help", _("answer to HELP")
    DATA_EXPORT = "data_export", _("link to one's own data")
    SAVED_BASKET = "saved_basket", _("the basket that the person asked for")
    TEST = "test", _("a template that staff try out on themselves")
    RATING_THANKS = "rating_thanks", _("thanks for a rating by reply")


class Notice(models.Model):
    """One message that the app owes a person: asked for by the person, sent once, soon or never."""

    kind = models.CharField(_("kind"), max_length=32, choices=NoticeKind)
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="notices", verbose_name=_("contact")
    )
    channel = models.CharField(_("channel"), max_length=32)
    #: the address that asked; where the contact has another one by now, nothing goes out
    address_digest = models.CharField(_("address hash"), max_length=64)
    language = models.CharField(_("language"), max_length=16, blank=True)
    opt_in = models.OneToOneField(
        OptIn, models.CASCADE, null=True, blank=True, related_name="notice",
        verbose_name=_("double opt-in"),
    )  # fmt: skip
    #: what the person wants to be sent: the basket of a SAVED_BASKET
    basket = models.ForeignKey(
        "basket.Basket", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("basket"),
    )  # fmt: skip
    #: what a TEST is to say: the texts as they were typed, and the data to fill them with
    #: (`rendering.previews.TestText`); of RATING_THANKS the key of the ServiceRating
    content = models.JSONField(_("content"), null=True, blank=True, editable=False)
    state = models.CharField(
        _("state"), max_length=16, choices=FollowUpState, default=FollowUpState.PLANNED
    )
    reason = models.CharField(_("reason"), max_length=64, blank=True, choices=reason_choices)
    created_at = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("due"))
    #: too late after this: nobody wants an answer to what they asked long ago
    expires_at = models.DateTimeField(_("too late after"))
    claim_token = models.CharField(_("claim"), max_length=32, blank=True)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            # delivery: what is due
            models.Index(
                fields=["due_at"], name="cart_recovery_notice_due", condition=Q(state="planned")
            ),
            # delivery: whose worker has died
            models.Index(
                fields=["lease_until"], name="cart_recovery_notice_lease",
                condition=Q(state="claimed"),
            ),
            # the list in admin: a period of it
            models.Index(fields=["created_at", "id"], name="cart_recovery_notice_period"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return _("Notice %(pk)s") % {"pk": self.pk}


class DataLink(models.Model):
    """A one-time link by which a person gets their own data. Only the hash of its token is kept."""

    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="data_links", verbose_name=_("contact")
    )
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("link to one's own data")
        verbose_name_plural = _("links to one's own data")

    def __str__(self) -> str:
        return _("Data link %(pk)s") % {"pk": self.pk}
