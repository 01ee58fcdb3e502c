"""Sphinx configuration. `make docs` builds with warnings as errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from cart_recovery import __version__  # noqa: E402  the path has to be set first

project = "cart_recovery"
author = "The cart_recovery contributors"
copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser", "placeholders_reference", "settings_reference"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"cart_recovery {version}"
html_theme_options = {"navigation_with_keys": True}
