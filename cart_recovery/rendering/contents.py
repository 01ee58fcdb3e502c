"""What a template consists of, as a value that can be compared and cached."""

from __future__ import annotations

from dataclasses import dataclass

from cart_recovery.models import TemplateSubject


@dataclass(frozen=True, slots=True)
class Content:
    """The texts of one template, as staff wrote them."""

    language: str
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
    #: a `TemplateSubject`: which placeholders there are
    about: str = TemplateSubject.CART
