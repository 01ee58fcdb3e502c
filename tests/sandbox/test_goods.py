"""What the shop sells fits together, and its pictures are pictures."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from PIL import Image

from sandbox_shop.goods import CATEGORIES, GOODS, RECOMMENDED
from sandbox_shop.motifs import MOTIFS
from sandbox_shop.pictures import SIZE, picture

CODES = {good.code for good in GOODS}


def test_every_good_has_a_category_a_motif_and_a_price():
    leaves = {child for children in CATEGORIES.values() for child in children} | set(CATEGORIES)
    for good in GOODS:
        assert good.category in leaves, good
        assert good.motif in MOTIFS, good
        assert bool(good.price) != bool(good.variants), good
        assert all(Decimal(variant.price) > 0 for variant in good.variants), good
        assert good.german, good
        assert good.english, good


def test_codes_are_unique_and_recommendations_lead_to_goods():
    assert len(CODES) == len(GOODS) == 40
    assert set(RECOMMENDED) <= CODES
    for code, others in RECOMMENDED.items():
        assert set(others) <= CODES - {code}


def test_something_is_sold_out_and_something_is_nearly_so():
    stocks = [good.stock for good in GOODS if not good.variants]
    assert 0 in stocks
    assert any(stock is not None and 0 < stock < 5 for stock in stocks)


@pytest.mark.parametrize("name", sorted(MOTIFS))
def test_each_motif_makes_the_same_picture_whenever_it_is_drawn(name):
    drawn = picture(MOTIFS[name], (44, 110, 120))
    assert drawn == picture(MOTIFS[name], (44, 110, 120))
    assert Image.open(io.BytesIO(drawn)).size == (SIZE, SIZE)
