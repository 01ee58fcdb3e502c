"""The shop's own consent texts, beside those that come with the app: for what follows an order."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from cart_recovery.consent import wordings
from cart_recovery.models import Purpose

PURPOSES: Final = (Purpose.REVIEW_REQUEST, Purpose.PROMOTION)
#: forms that show them: the checkout's payment page, and the customers' own choices
FORMS: Final = ("reviews", "account-reviews")
#: channel, language -> text
TEXTS: Final = {
    ("email", "de"): (
        "Ja, {shop} darf mich nach einer Bestellung per E-Mail um meine Bewertung bitten und mir per "
        "E-Mail Waren empfehlen, die dazu passen (auch mit einem Gutschein). Ich kann das jederzeit "
        "widerrufen: mit einem Klick auf den Abmeldelink in jeder dieser E-Mails oder durch eine "
        "Nachricht an {shop}. Die Einwilligung ist freiwillig und keine Bedingung für einen Einkauf."
    ),
    ("email", "en"): (
        "Yes, {shop} may ask me by e-mail for my review after an order, and recommend goods by e-mail "
        "that go with it (also with a voucher). I can withdraw this at any time: with one click on "
        "the unsubscribe link in each of these e-mails or by a message to {shop}. My consent is "
        "voluntary and not a condition of any purchase."
    ),
    ("sms", "de"): (
        "Ja, {shop} darf mich nach einer Bestellung per SMS an meine Telefonnummer um meine Bewertung "
        "bitten und mir per SMS Waren empfehlen, die dazu passen (auch mit einem Gutschein). Ich kann "
        "das jederzeit widerrufen: über den Link in jeder dieser SMS, mit der Antwort STOPP oder "
        "durch eine Nachricht an {shop}. Die Einwilligung ist freiwillig und keine Bedingung für "
        "einen Einkauf."
    ),
    ("sms", "en"): (
        "Yes, {shop} may ask me by text message (SMS) to my phone number for my review after an "
        "order, and recommend goods by text message that go with it (recurring messages, also with a "
        "voucher). Message frequency varies; message and data rates may apply. I can withdraw this at "
        "any time: by the link in each of these messages, by replying STOP (HELP for help) or by a "
        "message to {shop}. My consent is voluntary and not a condition of any purchase."
    ),
}  # fmt: skip


def install_wordings() -> None:
    """Publish the texts of today; where they are the same as before, nothing is written."""
    for form in FORMS:
        for (channel, language), text in TEXTS.items():
            wordings.publish(
                f"{form}-{channel}", language, channel=channel, purposes=PURPOSES,
                text=text.replace("{shop}", settings.OSCAR_SHOP_NAME),
            )  # fmt: skip
