from __future__ import annotations

from oscar.apps.partner import apps


class PartnerConfig(apps.PartnerConfig):
    name = "tests.shapes.forked.partner"
