from __future__ import annotations

from oscar.apps.catalogue import apps


class CatalogueConfig(apps.CatalogueConfig):
    name = "tests.shapes.forked.catalogue"
