from __future__ import annotations

from django.db import models
from oscar.apps.basket.abstract_models import AbstractBasket, AbstractLine


class Basket(AbstractBasket):
    """As in a shop that packs presents."""

    gift_note = models.CharField(max_length=100, blank=True)


class Line(AbstractLine):
    is_gift = models.BooleanField(default=False)


from oscar.apps.basket.models import *  # noqa: E402, F403 as Oscar tells forks to
