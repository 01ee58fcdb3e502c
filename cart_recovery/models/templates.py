from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TemplateSubject(models.TextChoices):
    """What a template speaks of: it decides which placeholders there are."""

    CART = "cart", _("a basket")
    ORDER = "order", _("an order")


class MessageTemplate(models.Model):
    """What staff write, per code, channel and language. Data, never code."""

    code = models.SlugField(_("code"), max_length=50)
    channel = models.CharField(_("channel"), max_length=32)
    language = models.CharField(_("language"), max_length=16)
    #: the same for all channels and languages of a code
    about = models.CharField(
        _("about"), max_length=16, choices=TemplateSubject, default=TemplateSubject.CART,
        db_default=TemplateSubject.CART,
    )  # fmt: skip
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    preheader = models.CharField(_("preheader"), max_length=255, blank=True)
    html = models.TextField(_("HTML"), blank=True)
    text = models.TextField(_("text"), blank=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    #: number of the version that is in use; goes up with each save. Who saves what somebody else
    #: has changed meanwhile is told so
    revision = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["code", "channel", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "channel", "language"], name="cart_recovery_template_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.channel} {self.language}"


class TemplateVersion(models.Model):
    """A template as it once was: each save keeps one. Never changed."""

    template = models.ForeignKey(
        MessageTemplate, models.CASCADE, related_name="versions", verbose_name=_("template")
    )
    number = models.PositiveIntegerField(_("version"))
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    preheader = models.CharField(_("preheader"), max_length=255, blank=True)
    html = models.TextField(_("HTML"), blank=True)
    text = models.TextField(_("text"), blank=True)
    saved_at = models.DateTimeField(_("saved"))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("saved by"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("version of a template")
        verbose_name_plural = _("versions of templates")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="cart_recovery_template_version"
            )
        ]

    def __str__(self) -> str:
        return _("Version %(number)s") % {"number": self.number}
