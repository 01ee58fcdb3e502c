"""Restore links: made in bulk, found by the hash of their token."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import IntegrityError, models, transaction

from cart_recovery.conf import conf
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import RestoreLink, TrackedCart
from cart_recovery.models.inserts import insert_all
from cart_recovery.shop.baskets import BasketFacts, load_baskets
from cart_recovery.shop.site import absolute_url, token_path
from cart_recovery.shop.sources import LinkedLine, linked_lines

#: 72 bits, and never below 70: nobody guesses one among the links of a big shop, and an SMS has room for it
TOKEN_BYTES = 9
TOKEN = re.compile(r"[A-Za-z0-9_-]{12}")
#: what mail programs and phones take into a link when it ends a sentence or stands in brackets
CLINGING = "/.,;:!?)>]}'\"»“”’… "
ATTEMPTS = 3
#: what a link is made for
Item = TypeVar("Item")


class ExpiredTokenError(InvalidTokenError):
    """The link was real, and its time is over."""


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A link to be made. `basket` is what its message shows; None: it is loaded.

    `followup_id` is None for a link that belongs to no campaign.
    """

    followup_id: int | None
    contact_id: int
    cart_id: int
    basket: BasketFacts | None = None


def create_links(items: Sequence[LinkRequest], now: dt.datetime) -> dict[int, str]:
    """A new token for each follow-up, by its key. See `create_tokens`."""
    tokens = create_tokens(items, now)
    return {
        item.followup_id: token
        for item, token in zip(items, tokens, strict=True)
        if item.followup_id is not None
    }


def create_tokens(items: Sequence[LinkRequest], now: dt.datetime) -> list[str]:
    """A new token for each link, in their order. Only hashes are stored: a message that is made
    again gets a new link. Constant queries per batch, one INSERT."""
    contents = _contents(items)
    return store_links(
        items,
        lambda item, token: RestoreLink(
            token_hash=hash_token(token), contact_id=item.contact_id, cart_id=item.cart_id,
            followup_id=item.followup_id, created_at=now,
            expires_at=now + conf.RESTORE_LINK_LIFETIME, contents=contents.get(item.cart_id, []),
        ),
    )  # fmt: skip


def store_links(items: Sequence[Item], make_link: Callable[[Item, str], models.Model]) -> list[str]:
    """Store the link of each item with a new token, and give the tokens in their order. One INSERT."""
    tokens: list[str] = []
    for attempt in range(ATTEMPTS):
        tokens = [new_token() for _ in items]
        links = [make_link(item, token) for item, token in zip(items, tokens, strict=True)]
        try:
            with transaction.atomic():
                insert_all(links)
            break
        except IntegrityError:
            # a token that exists already; or a follow-up that was deleted, which no new draw mends
            if attempt + 1 == ATTEMPTS:
                raise
    return tokens


def new_token() -> str:
    """Twelve characters; letters and digits at both ends, as phones drop others from a link."""
    while True:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        if token[0].isalnum() and token[-1].isalnum():
            return token


def restore_url(token: str, language: str) -> str:
    """The absolute URL of a link, in the language of its message where URLs carry one."""
    return absolute_url(token_path("restore", token, language))


def find_link(token: str, now: dt.datetime) -> RestoreLink:
    """The link of a token. Raises InvalidTokenError, and ExpiredTokenError after its time.

    The lookup goes by the hash, so how long it takes tells nothing about other tokens.
    """
    link = (
        RestoreLink.objects.select_related("cart", "contact", "followup")
        .filter(token_hash=hash_token(bare_token(token)))
        .first()
    )
    if link is None:
        raise InvalidTokenError("unknown token")
    if link.expires_at <= now:
        raise ExpiredTokenError("expired token")
    return link


def bare_token(text: str) -> str:
    """The token without what clings to it. Raises InvalidTokenError for what cannot be one."""
    token = text.strip(CLINGING)
    if not TOKEN.fullmatch(token):
        raise InvalidTokenError("not a token")
    return token


def hash_token(token: str, kind: str = "restore") -> str:
    """SHA-256 as hex. No key and no salt: 72 random bits leave nothing to try out. The token of one
    kind of link opens no page of another."""
    return hashlib.sha256(f"cart_recovery.{kind}:{token}".encode()).hexdigest()


def contents_of(link: RestoreLink) -> list[LinkedLine]:
    """What the link's basket held when the message was made."""
    return [LinkedLine.from_json(data) for data in link.contents]


def _contents(items: Sequence[LinkRequest]) -> dict[int, list[dict[str, object]]]:
    """What each cart's basket holds, as JSON, by the cart's key."""
    baskets = {item.cart_id: item.basket for item in items if item.basket is not None}
    missing = [item.cart_id for item in items if item.basket is None]
    if missing:
        rows = TrackedCart.objects.filter(pk__in=missing, basket__isnull=False)
        keys = dict(rows.values_list("pk", "basket_id"))
        loaded = load_baskets([key for key in keys.values() if key is not None])
        baskets |= {pk: loaded[key] for pk, key in keys.items() if key in loaded}
    lines = linked_lines(list(baskets.values()))
    return {
        cart_id: [line.as_json() for line in lines[basket.basket_id]]
        for cart_id, basket in baskets.items()
    }
