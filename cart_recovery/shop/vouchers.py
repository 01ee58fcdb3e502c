"""Vouchers of Oscar, as plain data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VoucherFacts:
    """A voucher made for one person. `kind` is an IncentiveKind, `value` per cent or an amount."""

    code: str
    kind: str
    value: Decimal
    expires_at: dt.datetime
    minimum_basket: Decimal | None
    currency: str
