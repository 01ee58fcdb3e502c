"""Bring abandoned baskets back in django-oscar shops, with consent and measured effect."""

__version__ = "0.1.0"
