from __future__ import annotations

from oscar.apps.partner.admin import *  # noqa: F403 as Oscar tells forks to
