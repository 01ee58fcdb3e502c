from __future__ import annotations

from oscar.apps.customer.admin import *  # noqa: F403 as Oscar tells forks to
