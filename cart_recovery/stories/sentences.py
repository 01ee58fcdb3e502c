"""Facts as sentences. Each kind of fact has one, and a tone that goes with an icon and a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cart_recovery.stories.facts import Fact
from cart_recovery.stories.words import Reader, in_words

_SENTENCES: Final[Mapping[str, Any]] = {
    "contact_known": gettext_lazy("The shop got to know this person."),
    "contact_erased": gettext_lazy("The person's data was erased."),
    "cart_begun": gettext_lazy("Cart %(cart)s was begun (basket %(basket)s)."),
    "cart_touched": gettext_lazy("Cart %(cart)s was last touched, at the stage: %(stage)s."),
    "checkout_failed": gettext_lazy("The checkout of cart %(cart)s failed: %(trouble)s."),
    "cart_abandoned": gettext_lazy("Cart %(cart)s was found abandoned."),
    "cart_closed": gettext_lazy("Cart %(cart)s ended: %(cart_state)s."),
    "cart_left_out": gettext_lazy("Cart %(cart)s was left out: %(exclusion)s."),
    "enrolled": gettext_lazy(
        "The campaign “%(campaign)s” took cart %(cart)s. Its delays count from %(clock_at)s."
    ),
    "order_moved": gettext_lazy("Order %(order_number)s: %(milestone)s."),
    "order_partly_moved": gettext_lazy("A part of order %(order_number)s: %(milestone)s."),
    "order_enrolled": gettext_lazy(
        "The campaign “%(campaign)s” took order %(order_number)s. Its delays count from %(clock_at)s."
    ),
    "enrolment_ended": gettext_lazy("The campaign “%(campaign)s” ended here: %(enrolment_state)s."),
    "voucher_made": gettext_lazy(
        "For step %(step)s of “%(campaign)s” a voucher was made, valid until %(expires_at)s."
    ),
    "channel_chosen": gettext_lazy("Step %(step)s of “%(campaign)s” passed all rules."),
    "followup_ended": gettext_lazy(
        "Step %(step)s of “%(campaign)s” was not sent: %(followup_state)s."
    ),
    "message_handed_over": gettext_lazy(
        "Message %(message)s was handed over: %(channel)s to %(address)s."
    ),
    "message_accepted": gettext_lazy("The provider accepted message %(message)s."),
    "message_not_out": gettext_lazy("Message %(message)s: %(message_state)s."),
    "provider_report": gettext_lazy("The provider reports on message %(message)s: %(event)s."),
    "link_followed": gettext_lazy("The link to cart %(cart)s was followed."),
    "basket_restored": gettext_lazy(
        "The link to cart %(cart)s was followed, and the basket was restored."
    ),
    "order_placed": gettext_lazy("Order %(order_number)s over %(total)s was placed."),
    "order_credited": gettext_lazy(
        "Order %(order_number)s over %(total)s was credited to message %(message)s: %(basis)s."
    ),
    "credit_taken_back": gettext_lazy("The credit for order %(order_number)s was taken back."),
    "consent_requested": gettext_lazy(
        "The person was asked to confirm: %(purpose)s by %(channel)s (source: %(source)s)."
    ),
    "consent_granted": gettext_lazy(
        "The person agreed to %(purpose)s by %(channel)s (source: %(source)s)."
    ),
    "consent_withdrawn": gettext_lazy(
        "The person refused %(purpose)s by %(channel)s (source: %(source)s)."
    ),
    "address_blocked": gettext_lazy("The address was blocked for %(channel)s: %(suppression)s."),
    "address_freed": gettext_lazy("The address was freed for %(channel)s."),
    "notice_planned": gettext_lazy("The app had something to tell by %(channel)s: %(notice)s."),
    "notice_ended": gettext_lazy("It was not told by %(channel)s: %(followup_state)s."),
    "reply_received": gettext_lazy("The person answered by %(channel)s."),
    "order_not_enrolled": gettext_lazy("No campaign about orders has taken this order."),
    # why a cart is not followed up
    "not_enrolled_machine": gettext_lazy("A machine made it: bots get no messages."),
    "not_enrolled_nobody": gettext_lazy(
        "Nobody knows whose it is: no log-in and no address was given."
    ),
    "not_enrolled_in_use": gettext_lazy(
        "The shopper is still busy with it. It counts as abandoned at %(idle_at)s, if nothing happens."
    ),
    "not_enrolled_left_out": gettext_lazy("It is left out: %(exclusion)s."),
    "not_enrolled_closed": gettext_lazy("It is over: %(cart_state)s."),
    "not_enrolled_refused": gettext_lazy("No campaign wants it now: %(reason)s."),
    "not_enrolled_copy": gettext_lazy(
        "It was restored from an earlier cart, whose reminders go on: one shopping, one sequence."
    ),
    "not_enrolled_then": gettext_lazy(
        "When it was found abandoned, no campaign wanted it. “%(campaign)s” takes it the next time"
        " it is left."
    ),
    "channel_blocked": gettext_lazy("No reminder by %(channel)s: %(blocked_by)s."),
}  # fmt: skip
#: kinds by what they mean for the shop; all others are neither good nor bad
_TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("order_placed", "order_credited", "basket_restored", "consent_granted", "address_freed"),
        "good",
    ),
    **dict.fromkeys(
        ("followup_ended", "message_not_out", "consent_withdrawn", "address_blocked",
         "cart_left_out", "checkout_failed", "notice_ended", "credit_taken_back", "contact_erased"),
        "bad",
    ),
}  # fmt: skip
_EVENT_TONES: Final[Mapping[str, str]] = {
    "delivered": "good", "clicked": "good", "bounced": "bad", "complained": "bad", "failed": "bad",
    "unsubscribed": "bad",
}  # fmt: skip


def sentence(fact: Fact, reader: Reader) -> str:
    """The fact in the language at hand. What is known beyond the sentence follows it."""
    words = in_words(fact.details, reader)
    extra = _extra(fact, words)
    text = str(_SENTENCES[fact.kind]) % words
    # "at 9:15 a.m." ends with a full stop of its own
    return f"{text} {extra}".strip().replace(".m..", ".m.")


def tone(fact: Fact) -> str:
    """`good`, `bad` or ""."""
    if fact.kind == "provider_report":
        return _EVENT_TONES.get(str(fact.details["event"]), "")
    return _TONES.get(fact.kind, "")


def _extra(fact: Fact, words: Mapping[str, str]) -> str:
    parts = []
    if fact.kind == "cart_abandoned" and words["total"]:
        parts.append(_("Lines: %(lines)s, total: %(total)s.") % words)
    if words.get("reason") and fact.kind != "not_enrolled_refused":
        parts.append(_("Reason: %(reason)s.") % words)
    if fact.kind == "channel_chosen" and words.get("choice"):
        parts.append(_("Choice of the channel: %(choice)s.") % words)
    if fact.kind == "followup_ended" and words.get("choice"):
        parts.append(_("In detail: %(choice)s.") % words)
    if fact.kind == "checkout_failed":
        if words["code"]:
            parts.append(_("Reason: %(code)s.") % words)
        return " ".join(parts)
    if words.get("code") or words.get("detail"):
        said = " ".join(filter(None, (words.get("code", ""), words.get("detail", ""))))
        parts.append(_("In its words: %(said)s") % {"said": said})
    if words.get("method"):
        parts.append(_("Method: %(method)s.") % words)
    if words.get("keyword"):
        parts.append(_("Understood as: %(keyword)s.") % words)
    if fact.details.get("is_machine"):
        parts.append(_("By a machine, so it does not count."))
    if (attempts := fact.details.get("attempts")) and attempts > 1:
        parts.append(_("Attempt %(attempts)s.") % words)
    return " ".join(parts)
