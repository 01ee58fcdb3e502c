"""Settings about what is said after the order; part of `conf.conf`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from cart_recovery.nested_settings import (
    DEFAULT_PAY_LATER_METHODS,
    DEFAULT_SERVICE_CAPS,
    Duration,
    check_milestone,
    check_rating_low,
    check_rating_scale,
)
from cart_recovery.settings_reader import SettingsReader


class OrderSettings(SettingsReader):
    """Orders, reviews, suggestions."""

    # --- after the order ----------------------------------------------------------------------

    @property
    def STATUS_MILESTONES(self) -> Mapping[str, str]:
        """What the shop's statuses of orders and lines, and its shipping events (name or code), mean:
        `{"Unterwegs": "shipped", "On its way": "shipped", "Checked": ""}`, in any case. Values:
        placed, partly_shipped, shipped, delivered, delayed, returned, refunded, cancelled; "" for
        what nobody needs to know. It goes before the usual English and German words, which are known,
        and before CANCELLED_ORDER_STATUSES."""
        own: dict[str, Any] = self._get("STATUS_MILESTONES", {}, dict)
        for status, milestone in own.items():
            check_milestone(status, milestone)
        return own

    @property
    def TRACKING_URL(self) -> str:
        """Dotted path of a function `(order id) -> URL or path of the parcel's tracking, or ""`. Empty: the
        first address (https://…) in the notes of the latest shipping event of each line."""
        return self._get("TRACKING_URL", "", str)

    @property
    def MAX_ORDER_AGE(self) -> Duration:
        """What an order reached longer ago than this sets no campaign going. A campaign's own maximum
        age goes first."""
        return self._get("MAX_ORDER_AGE", dt.timedelta(days=14), dt.timedelta)

    @property
    def SERVICE_CAPS(self) -> Sequence[Mapping[str, Any]]:
        """How much news of their orders a person gets at the most, written as FREQUENCY_CAPS. What is
        over waits, and is dropped when it is too late. `[]`: no limit."""
        return self._get("SERVICE_CAPS", DEFAULT_SERVICE_CAPS, (list, tuple))

    @property
    def UNPAID_ORDER_STATUSES(self) -> Sequence[str]:
        """Statuses in which an order waits for its payment, in any case: `["Pending payment"]`. What its
        payment sources have debited is paid all the same."""
        return self._get("UNPAID_ORDER_STATUSES", (), (list, tuple))

    @property
    def UNPAID_BY_SOURCES(self) -> bool:
        """Whether an order is unpaid, too, whose payment sources hold less than what is left of it costs.
        Orders without payment sources are left alone."""
        return self._get("UNPAID_BY_SOURCES", False, bool)

    @property
    def PAY_LATER_METHODS(self) -> Sequence[str]:
        """Names or codes of payment source types that are paid later on purpose: such orders are
        never reminded."""
        return self._get("PAY_LATER_METHODS", DEFAULT_PAY_LATER_METHODS, (list, tuple))

    @property
    def PAYMENT_RESUME_URL(self) -> str:
        """Where the payment of an order goes on: the name of a URL that may take `order_number`, or
        the dotted path of a function `(order number, language) -> URL`. Empty: no link."""
        return self._get("PAYMENT_RESUME_URL", "", str)

    # --- reviews and ratings --------------------------------------------------------------------

    @property
    def REVIEW_LINK_LIFETIME(self) -> Duration:
        """How long a link to review an order works."""
        return self._get("REVIEW_LINK_LIFETIME", dt.timedelta(days=90), dt.timedelta)

    @property
    def REVIEW_EDITABLE_FOR(self) -> Duration:
        """How long a review can be changed that was published at once (OSCAR_MODERATE_REVIEWS off). One
        that waits for moderation can be changed until somebody of the shop has decided."""
        return self._get("REVIEW_EDITABLE_FOR", dt.timedelta(minutes=30), dt.timedelta)

    @property
    def REVIEW_PHOTO_MAX_BYTES(self) -> int:
        """Size of a review's photo beyond which it is refused."""
        return self._get("REVIEW_PHOTO_MAX_BYTES", 8 * 1024 * 1024, int)

    @property
    def RATING_SCALE(self) -> Mapping[str, int]:
        """Grades for the shop's service: `{"best": 1, "worst": 6}`, or `{"best": 5, "worst": 1}`."""
        return check_rating_scale(self._get("RATING_SCALE", {"best": 1, "worst": 6}, dict))

    @property
    def RATING_LOW(self) -> Sequence[int]:
        """Ratings that open a task for staff. Default: the worse half of the scale."""
        return check_rating_low(self._get("RATING_LOW", (), (list, tuple)), self.RATING_SCALE)

    @property
    def RATING_EDITABLE_FOR(self) -> Duration:
        """How long a rating can be changed, by the same link or by another reply."""
        return self._get("RATING_EDITABLE_FOR", dt.timedelta(days=1), dt.timedelta)

    @property
    def RATING_REPLY_WITHIN(self) -> Duration:
        """A number by SMS is a rating if a review request went there within this time."""
        return self._get("RATING_REPLY_WITHIN", dt.timedelta(days=30), dt.timedelta)

    # --- recommendations ----------------------------------------------------------------------

    @property
    def BOUGHT_TOGETHER_WITHIN(self) -> Duration:
        """How old orders may be of which is counted what is bought together."""
        return self._get("BOUGHT_TOGETHER_WITHIN", dt.timedelta(days=730), dt.timedelta)
