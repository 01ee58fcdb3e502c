"""Finding rows by an address that they hold only as a hash."""

from __future__ import annotations

import contextlib

from cart_recovery.conf import conf
from cart_recovery.contacts.addresses import address_digest, normalize_email, parse_phone
from cart_recovery.exceptions import InvalidAddressError


def digests_of(term: str) -> list[str]:
    """The hashes that a typed address may have; none if it is no address."""
    digests = []
    with contextlib.suppress(InvalidAddressError):
        digests.append(address_digest("email", normalize_email(term)[0]))
    with contextlib.suppress(InvalidAddressError):
        digests.append(address_digest("phone", parse_phone(term, conf.DEFAULT_COUNTRY)))
    return digests
