#!/usr/bin/env python
"""Run the sandbox shop's commands."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox_shop.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # a wrong variable in the environment: say which, without a traceback
        sys.exit(f"Wrong configuration: {error}")
