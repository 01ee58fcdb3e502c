"""Oscar's vouchers and the offers they hang on: made and removed in bulk, told as plain data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VoucherFacts:
    """What a message says about a voucher. `kind` is an `IncentiveKind`; `value` per cent or amount."""

    code: str
    kind: str
    value: Decimal
    expires_at: dt.datetime
    minimum_basket: Decimal | None
    currency: str
