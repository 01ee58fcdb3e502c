from __future__ import annotations

from oscar.apps.basket.admin import *  # noqa: F403 as Oscar tells forks to
