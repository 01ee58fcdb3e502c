"""The texts that people agree to: rows that never change, found by code and language."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.models import ConsentWording, Purpose

#: a form that was opened before its wording changed may still be sent for this long
GRACE: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ShippedWording:
    """A text that comes with the app. `{shop}` is replaced when it is installed."""

    code: str
    channel: str
    language: str
    text: str
    purposes: tuple[str, ...] = (Purpose.CART_REMINDER.value,)

    def resolved(self) -> str:
        return self.text.replace("{shop}", conf.SHOP_NAME)

    def is_origin_of(self, text: str) -> bool:
        """Whether `text` is this wording under another name of the shop."""
        pattern = ".+?".join(re.escape(part) for part in self.text.split("{shop}"))
        return re.fullmatch(pattern, text, re.DOTALL) is not None


_EMAIL_DE: Final = (
    "Ja, {shop} darf mich per E-Mail an einen nicht abgeschlossenen Einkauf erinnern "
    "(Warenkorb-Erinnerungen, auch mit einem Gutschein). Ich kann das jederzeit widerrufen: mit "
    "einem Klick auf den Abmeldelink in jeder dieser E-Mails oder durch eine Nachricht an {shop}. "
    "Die Einwilligung ist freiwillig und keine Bedingung für einen Einkauf."
)
_EMAIL_EN: Final = (
    "Yes, {shop} may remind me by e-mail of a purchase that I have not finished (cart reminders, "
    "also with a voucher). I can withdraw this at any time: with one click on the unsubscribe "
    "link in each of these e-mails or by a message to {shop}. My consent is voluntary and not a "
    "condition of any purchase."
)
_SMS_DE: Final = (
    "Ja, {shop} darf mich per SMS unter der hier angegebenen Telefonnummer an einen nicht "
    "abgeschlossenen Einkauf erinnern (Warenkorb-Erinnerungen, auch mit einem Gutschein). Ich kann "
    "das jederzeit widerrufen: über den Link in jeder dieser SMS, mit der Antwort STOPP oder durch "
    "eine Nachricht an {shop}. Die Einwilligung ist freiwillig und keine Bedingung für einen "
    "Einkauf."
)
_SMS_EN: Final = (
    "Yes, {shop} may remind me by text message (SMS) to the phone number given here of a purchase "
    "that I have not finished (recurring cart reminders, also with a voucher). Message frequency "
    "varies; message and data rates may apply. I can withdraw this at any time: by the link in "
    "each of these messages, by replying STOP (HELP for help) or by a message to {shop}. My "
    "consent is voluntary and not a condition of any purchase."
)

_SOFT_DE: Final = (
    "Wenn Sie bei uns kaufen, verwendet {shop} Ihre E-Mail-Adresse auch, um Ihnen per E-Mail eigene "
    "ähnliche Waren zu empfehlen, Sie an einen nicht abgeschlossenen Einkauf zu erinnern und Sie um "
    "eine Bewertung zu bitten (§ 7 Abs. 3 UWG). Sie können dem jederzeit widersprechen, hier, über "
    "den Link in jeder dieser E-Mails oder durch eine Nachricht an {shop}, ohne dass hierfür andere "
    "als die Übermittlungskosten nach den Basistarifen entstehen."
)
_SOFT_EN: Final = (
    "When you buy from us, {shop} also uses your e-mail address to recommend similar goods of its "
    "own, to remind you of a purchase that you have not finished and to ask you for a review. You "
    "can object at any time, here, by the link in each of these e-mails or by a message to {shop}, "
    "at no cost other than that of sending it at basic rates."
)
_SOFT_PURPOSES: Final = (
    Purpose.CART_REMINDER.value, Purpose.PROMOTION.value, Purpose.REVIEW_REQUEST.value,
)  # fmt: skip
_CAPTURE_EMAIL_DE: Final = (
    "Ja, {shop} darf mir meinen Warenkorb per E-Mail schicken und mich per E-Mail an einen nicht "
    "abgeschlossenen Einkauf erinnern (Warenkorb-Erinnerungen, auch mit einem Gutschein). Ich kann "
    "das jederzeit widerrufen: mit einem Klick auf den Abmeldelink in jeder dieser E-Mails oder "
    "durch eine Nachricht an {shop}. Die Einwilligung ist freiwillig und keine Bedingung für einen "
    "Einkauf."
)
_CAPTURE_EMAIL_EN: Final = (
    "Yes, {shop} may send me my basket by e-mail and remind me by e-mail of a purchase that I have "
    "not finished (cart reminders, also with a voucher). I can withdraw this at any time: with one "
    "click on the unsubscribe link in each of these e-mails or by a message to {shop}. My consent "
    "is voluntary and not a condition of any purchase."
)
_CAPTURE_SMS_DE: Final = (
    "Ja, {shop} darf mir meinen Warenkorb per SMS an die hier angegebene Telefonnummer schicken und "
    "mich dort per SMS an einen nicht abgeschlossenen Einkauf erinnern (Warenkorb-Erinnerungen, auch "
    "mit einem Gutschein). Ich kann das jederzeit widerrufen: über den Link in jeder dieser SMS, mit "
    "der Antwort STOPP oder durch eine Nachricht an {shop}. Die Einwilligung ist freiwillig und "
    "keine Bedingung für einen Einkauf."
)
_CAPTURE_SMS_EN: Final = (
    "Yes, {shop} may send me my basket by text message (SMS) to the phone number given here and "
    "remind me there of a purchase that I have not finished (recurring cart reminders, also with a "
    "voucher). Message frequency varies; message and data rates may apply. I can withdraw this at "
    "any time: by the link in each of these messages, by replying STOP (HELP for help) or by a "
    "message to {shop}. My consent is voluntary and not a condition of any purchase."
)
_FOOTER_EMAIL_DE: Final = (
    "Ja, {shop} darf mir per E-Mail Angebote und Neuigkeiten aus dem eigenen Sortiment schicken. Ich "
    "kann das jederzeit widerrufen: mit einem Klick auf den Abmeldelink in jeder dieser E-Mails oder "
    "durch eine Nachricht an {shop}. Die Einwilligung ist freiwillig und keine Bedingung für einen "
    "Einkauf."
)
_FOOTER_EMAIL_EN: Final = (
    "Yes, {shop} may send me offers and news about its own goods by e-mail. I can withdraw this at "
    "any time: with one click on the unsubscribe link in each of these e-mails or by a message to "
    "{shop}. My consent is voluntary and not a condition of any purchase."
)

SHIPPED: Final[Sequence[ShippedWording]] = (
    ShippedWording("registration-email", "email", "de", _EMAIL_DE),
    ShippedWording("registration-email", "email", "en", _EMAIL_EN),
    ShippedWording("checkout-email", "email", "de", _EMAIL_DE),
    ShippedWording("checkout-email", "email", "en", _EMAIL_EN),
    ShippedWording("checkout-sms", "sms", "de", _SMS_DE),
    ShippedWording("checkout-sms", "sms", "en", _SMS_EN),
    ShippedWording("checkout-soft-email", "email", "de", _SOFT_DE, _SOFT_PURPOSES),
    ShippedWording("checkout-soft-email", "email", "en", _SOFT_EN, _SOFT_PURPOSES),
    ShippedWording("account-email", "email", "de", _EMAIL_DE),
    ShippedWording("account-email", "email", "en", _EMAIL_EN),
    ShippedWording(
        "account-sms", "sms", "de", _SMS_DE.replace("hier angegebenen ", "hinterlegten ")
    ),
    ShippedWording("account-sms", "sms", "en", _SMS_EN.replace("given here ", "on file ")),
    ShippedWording("capture-email", "email", "de", _CAPTURE_EMAIL_DE),
    ShippedWording("capture-email", "email", "en", _CAPTURE_EMAIL_EN),
    ShippedWording("capture-sms", "sms", "de", _CAPTURE_SMS_DE),
    ShippedWording("capture-sms", "sms", "en", _CAPTURE_SMS_EN),
    ShippedWording("footer-email", "email", "de", _FOOTER_EMAIL_DE, (Purpose.PROMOTION.value,)),
    ShippedWording("footer-email", "email", "en", _FOOTER_EMAIL_EN, (Purpose.PROMOTION.value,)),
)


def current(code: str, language: str) -> ConsentWording:
    """The newest wording in this language, else in its base language, else in the shop's.

    One query. Raises ConsentWording.DoesNotExist where the code has no wording at all.
    """
    newest: dict[str, ConsentWording] = {}
    for wording in ConsentWording.objects.filter(code=code).order_by("version"):
        newest[wording.language.lower()] = wording
    language = language.lower().replace("_", "-")
    for candidate in (language, language.split("-")[0], *conf.LANGUAGES, *sorted(newest)):
        if candidate in newest:
            return newest[candidate]
    raise ConsentWording.DoesNotExist(f"There is no consent wording with the code {code!r}.")


def shown(
    wording_id: str, *, channel: str, now: dt.datetime | None = None
) -> ConsentWording | None:
    """The wording that a form says it showed, if it is one that we do show for this channel.

    A form may have been open while the wording changed: the version before it still counts for
    `GRACE`. Anything else (unknown, of another channel, long replaced) is None.
    """
    if not re.fullmatch(r"[0-9]{1,18}", wording_id):
        return None
    wording = ConsentWording.objects.filter(pk=int(wording_id), channel=channel).first()
    if wording is None:
        return None
    replaced = (now or timezone.now()) - GRACE
    is_stale = ConsentWording.objects.filter(
        code=wording.code, language=wording.language, version__gt=wording.version,
        created_at__lte=replaced,
    ).exists()  # fmt: skip
    return None if is_stale else wording


def publish(
    code: str, language: str, *, channel: str, purposes: Iterable[str], text: str
) -> ConsentWording:
    """Make this the wording from now on: a new version, or the present one if nothing differs."""
    wanted = [Purpose(purpose).value for purpose in purposes]
    for attempt in range(3):
        rows = ConsentWording.objects.filter(code=code, language=language)
        last = rows.order_by("-version").first()
        if last and (last.channel, last.purposes, last.text) == (channel, wanted, text):
            return last
        try:
            with transaction.atomic():
                return ConsentWording.objects.create(
                    code=code, language=language, version=last.version + 1 if last else 1,
                    channel=channel, purposes=wanted, text=text,
                )  # fmt: skip
        except IntegrityError:
            # someone published at the same moment: look again
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


def install_defaults() -> None:
    """Create the shipped wordings that are missing. Idempotent; leaves what a shop wrote alone.

    A shipped wording that still carries the shop's former name gets a new version.
    """
    newest: dict[tuple[str, str], ConsentWording] = {
        (row.code, row.language): row for row in ConsentWording.objects.order_by("version")
    }
    for shipped in SHIPPED:
        last = newest.get((shipped.code, shipped.language))
        if last is None or shipped.is_origin_of(last.text):
            publish(
                shipped.code, shipped.language, channel=shipped.channel,
                purposes=shipped.purposes if last is None else last.purposes,
                text=shipped.resolved(),
            )  # fmt: skip
