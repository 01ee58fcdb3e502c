"""What a consent record is hashed over, and how. The format is fixed: old records must verify."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any, Final

from django.utils.crypto import constant_time_compare, salted_hmac

from cart_recovery.conf import conf
from cart_recovery.models import ConsentChain, ConsentRecord, ConsentWording

#: records with a method are written in format 2; those from before have none
FORMAT: Final = 2
FORMAT_WITHOUT_METHOD: Final = 1
_SALT: Final = "cart_recovery.consent.chain"
_PURGE_SALT: Final = "cart_recovery.consent.purge"
_HEAD_SALT: Final = "cart_recovery.consent.head"


def record_hash(record: ConsentRecord) -> str:
    """64 hex digits over everything the record says, the wording's text and the record before it.

    Keyed, so that whoever can write to the database alone cannot make a changed chain fit again.
    """
    payload = canonical(record)
    key = conf.ADDRESS_HASH_KEY
    return salted_hmac(_SALT, payload, secret=key, algorithm="sha256").hexdigest()


def head_seal(contact_id: int, length: int, last_hash: str) -> str:
    """64 hex digits that only the app can make: so long was the chain when it was written last."""
    return _seal(_HEAD_SALT, [contact_id, length, last_hash])


def is_end_sealed(chain: ConsentChain) -> bool:
    """Whether length and end are as the app wrote them; a chain of nothing needs no seal."""
    if not chain.length and not chain.head_hash:
        return True
    expected = head_seal(chain.contact_id, chain.length, chain.head_hash)
    return constant_time_compare(chain.head_seal, expected)


def purge_seal(contact_id: int, length: int, last_hash: str, purged_at: dt.datetime) -> str:
    """64 hex digits that only the app can make: it cut the chain's beginning off, up to there."""
    moment = purged_at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return _seal(_PURGE_SALT, [contact_id, length, last_hash, moment])


def _seal(salt: str, content: list[Any]) -> str:
    key = conf.ADDRESS_HASH_KEY
    return salted_hmac(salt, json.dumps(content), secret=key, algorithm="sha256").hexdigest()


def is_sealed(chain: ConsentChain) -> bool:
    """Whether what the chain says of its purge is ours; also where it says that there was none."""
    stated = (chain.purged_length, chain.purged_hash, chain.purged_at, chain.purge_seal)
    if stated == (0, "", None, ""):
        return True
    if chain.purged_at is None:
        return False
    expected = purge_seal(chain.contact_id, chain.purged_length, chain.purged_hash, chain.purged_at)
    return constant_time_compare(chain.purge_seal, expected)


def canonical(record: ConsentRecord) -> str:
    """The record as JSON in the one spelling that is hashed: sorted keys, UTC, ASCII only."""
    has_details = bool(record.method or record.evidence)
    content = {
        "format": FORMAT if has_details else FORMAT_WITHOUT_METHOD,
        "contact": record.contact_id,
        "sequence": record.sequence,
        "channel": record.channel,
        "purpose": str(record.purpose),
        "action": str(record.action),
        "wording": _wording(record.wording),
        "address_digest": record.address_digest,
        "source": record.source,
        "source_url": record.source_url,
        "recorded_at": record.recorded_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "previous_hash": record.previous_hash,
    }
    if has_details:
        content |= {
            "method": str(record.method),
            "evidence_sha256": hashlib.sha256(record.evidence.encode()).hexdigest(),
        }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _wording(wording: ConsentWording | None) -> dict[str, Any] | None:
    if wording is None:
        return None
    return {
        "id": wording.pk,
        "code": wording.code,
        "language": wording.language,
        "version": wording.version,
        "channel": wording.channel,
        "purposes": list(wording.purposes),
        "text_sha256": hashlib.sha256(wording.text.encode()).hexdigest(),
    }
