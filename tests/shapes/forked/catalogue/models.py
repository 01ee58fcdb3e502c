from __future__ import annotations

from django.db import models
from oscar.apps.catalogue.abstract_models import AbstractProduct


class VisibleProducts(models.Manager):
    """Shops do this: what is hidden has gone from everywhere, baskets included."""

    def get_queryset(self):
        return super().get_queryset().filter(is_public=True)


class Product(AbstractProduct):
    brand = models.CharField(max_length=100, blank=True)

    visible = VisibleProducts()


from oscar.apps.catalogue.models import *  # noqa: E402, F403 as Oscar tells forks to
