"""Where parcels can be followed: what notes of events hold, and what a message makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cart_recovery.rendering.formats import absolute
from cart_recovery.shop.parcels import Parcel, address_in, tracking_urls
from cart_recovery.shop.site import web_address

A, B = "https://dhl.example/1", "https://dhl.example/2"


@pytest.mark.parametrize(
    ("notes", "address"),
    [
        ("DHL " + A + ".", A),
        ("HTTPS://DHL.EXAMPLE/1", "HTTPS://DHL.EXAMPLE/1"),
        ("Sendung: " + A + "!", A),
        (A + "?!", A),
        ("„" + A + "“", A),
        ("‚" + A + "‘, «" + B + "»", A),
        ("[" + A + "]", A),
        ("(siehe " + A + ")", A),
        (A + ";" + B, A),
        (A + "," + B, A),
        (A + ";00340434", A),
        ("https://dhl.example/track;jsessionid=4F?id=1", "https://dhl.example/track;jsessionid=4F?id=1"),
        ("https://dhl.example/?id=1,2", "https://dhl.example/?id=1,2"),
        ("https://dhl.example/?a=b&amp;c=d", "https://dhl.example/?a=b&c=d"),
        ("https://dhl.example/?a=b&#38;c=d", "https://dhl.example/?a=b&c=d"),
        ("https://dhl.example/?a=b&copy=2&para=3", "https://dhl.example/?a=b&copy=2&para=3"),
        (f"&lt;a href=&quot;{A}&quot;&gt;DHL&lt;/a&gt;", A),
        (f'<a href="{A}">DHL</a>', A),
        ("https://dhl.example/1|DHL", A),
        ("https://)", ""),
        ("https://) oder " + A, A),
        ("https://dhl.example:abc/1", ""),
        ("https://[00340/x", ""),
        ("https://dhl.exämple/ü", "https://dhl.exämple/ü"),
        ("liegt bei der Nachbarin", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_first_address_in_notes(notes: str, address: str) -> None:
    assert address_in(notes) == address


@pytest.mark.parametrize(
    ("said", "url"),
    [
        (A, A),
        (" /parcels/1/ ", "https://shop.example/parcels/1/"),
        ("//dhl.example/1", "https://dhl.example/1"),
        ("https://dhl.example/a b", "https://dhl.example/a%20b"),
        ("noch keines", ""),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("https://dhl.example/<1>", ""),
        ("https://dhl.example/" + "1" * 2000, ""),
    ],
)
def test_what_a_shop_names_is_an_address_a_path_or_nothing(
    settings: Any, said: str, url: str
) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PUBLIC_BASE_URL": "https://shop.example"}
    assert web_address(said) == url


@given(st.text())
@example("https://[00340]/x")
@example("https://dhl.example/'{1}")
def test_every_address_can_stand_in_a_message(text: str) -> None:
    found = address_in(f"Paket: https://{text}")
    assert absolute(found, "") == found


def parcel(url: str, *lines: int, has_left: bool = True) -> Parcel:
    return Parcel(frozenset(lines), url, has_left)


@pytest.mark.parametrize(
    ("parcels", "lines", "urls"),
    [
        ([parcel(A, 1), parcel(B, 2)], [1, 2], (A, B)),
        ([parcel(A, 1), parcel(B, 2)], [2], (B,)),
        ([parcel(A, 1), parcel(A, 2)], [1, 2], (A,)),
        ([parcel(A, 1), parcel("", 2)], [1, 2], (A,)),
        ([parcel(A, 1), parcel("", 1)], [1], ()),
        ([parcel(A, 1, has_left=False), parcel("", 1)], [1], (A,)),
        ([parcel(A, 1), parcel(B)], [1, 2], (B,)),
        ([parcel(A, 1), parcel(B, 2)], [], (B,)),
        ([], [1], ()),
    ],
)
def test_the_links_of_the_parcels_that_a_message_is_about(
    parcels: list[Parcel], lines: list[int], urls: tuple[str, ...]
) -> None:
    assert tracking_urls(1, parcels, lines) == urls
