from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """Why something was not sent, waits, or ended. Kept with the row, shown to staff."""

    # the person does not need it any more
    BOUGHT = "bought", _("the person has bought")
    EMPTIED = "emptied", _("the basket was emptied")
    BASKET_GONE = "basket_gone", _("the basket no longer exists")
    BASKET_MERGED = "basket_merged", _("the basket was merged into another one")
    NOTHING_BUYABLE = "nothing_buyable", _("nothing in the basket can be bought any more")
    LEFT_OUT = "left_out", _("the cart is left out (saved for later, or made by a machine)")
    # the order has gone on, or back
    ORDER_GONE = "order_gone", _("the order no longer exists")
    ORDER_CANCELLED = "order_cancelled", _("the order was cancelled")
    ORDER_PAID = "order_paid", _("the order was paid")
    ORDERED_AGAIN = "ordered_again", _("the person has ordered the same again")
    OTHER_PERSON = "other_person", _("the order names another person or address by now")
    SET_BACK = "set_back", _("the status of the order was set back")
    OVERTAKEN = "overtaken", _("the order has got further since")
    TAKEN_BACK = "taken_back", _("the goods were cancelled, returned or refunded")
    REVIEWED = "reviewed", _("a review was written")
    GOODS_GONE = "goods_gone", _("the goods are no longer in the shop")
    COMPLAINT = "complaint", _("the person has complained; staff look after it")
    NOTHING_TO_SUGGEST = "nothing_to_suggest", _("there is nothing to suggest")
    # we may not, or cannot
    NO_CONSENT = "no_consent", _("no consent for any channel of the step")
    SUPPRESSED = "suppressed", _("the address is blocked")
    OTHER_NUMBER = "other_number", _("the number is not that of the order")
    NO_ADDRESS = "no_address", _("no address for any channel of the step")
    NO_CHANNEL = "no_channel", _("the step has no channel that is set up")
    ERASED = "erased", _("the person's data was erased")
    PAUSED_BY_PERSON = "paused_by_person", _("the person asked for a pause")
    MARKET_RULE = "market_rule", _("a rule of the person's market forbids it")
    SETTLED = "settled", _("no longer needed: confirmed or taken back meanwhile")
    # the shop's doing
    CAMPAIGN_OFF = "campaign_off", _("the campaign is switched off")
    BEFORE_ACTIVATION = "before_activation", _("the cart is older than the campaign's activation")
    SUPERSEDED = "superseded", _("another campaign took over")
    STAFF = "staff", _("cancelled by staff")
    # time
    CART_ACTIVE = "cart_active", _("the shopper came back; the clock starts again")
    MISSED = "missed", _("too late to be sent")
    QUIET_HOURS = "quiet_hours", _("quiet hours where the person is")
    CAPPED = "capped", _("the person has had enough messages for now")
    CHANNEL_PAUSED = "channel_paused", _("the channel is paused")
    RATE_LIMITED = "rate_limited", _("the provider asks us to wait")
    # sending
    TEMPLATE_MISSING = "template_missing", _("there is no template for the channel")
    TEMPLATE_ERROR = "template_error", _("the template cannot be rendered")
    PROVIDER_REFUSED = "provider_refused", _("the provider refused the message")
    GAVE_UP = "gave_up", _("given up after several attempts")
    WORKER_DIED = "worker_died", _("the worker died during the provider call; never sent twice")
    OUTCOME_UNKNOWN = "outcome_unknown", _("the provider's answer was lost; never sent twice")
    REPORTED = "reported", _("reported by the provider")
    INTERNAL_ERROR = "internal_error", _("an error in the app; see the log")


def reason_choices() -> list[tuple[str, Any]]:
    """For fields that hold a reason: as a function, so that a new one needs no migration."""
    return Reason.choices
