"""The templates that a shop starts with, in German and English."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from cart_recovery.models import MessageTemplate
from cart_recovery.rendering.blocks import SHIPPED, shipped


def shipped_templates() -> Iterator[MessageTemplate]:
    """Unsaved rows from the files `<code>.<channel>.<language>.toml` of this package."""
    for path in sorted(SHIPPED.glob("*.*.*.toml")):
        code, channel, language, _suffix = path.name.split(".")
        texts = tomllib.loads(shipped(path.name))
        yield MessageTemplate(code=code, channel=channel, language=language, **texts)


def install_defaults() -> None:
    """Create the shipped templates that are not there. What staff have changed stays theirs, and so
    does a code of ours that they gave to texts about something else."""
    taken = dict(MessageTemplate.objects.order_by().values_list("code", "about"))
    MessageTemplate.objects.bulk_create(
        (row for row in shipped_templates() if taken.get(row.code, row.about) == row.about),
        ignore_conflicts=True,
    )
