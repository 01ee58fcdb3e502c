"""What a template consists of, as a value that can be compared and cached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """The texts of one template, as staff wrote them."""

    language: str
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
