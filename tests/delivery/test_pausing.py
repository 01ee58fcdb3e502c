"""A channel whose provider refuses us is paused, and staff hear of it once."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from cart_recovery.delivery.pausing import pause, resume

pytestmark = pytest.mark.django_db


@override_settings(ADMINS=[("Betrieb", "betrieb@example.de")])
def test_staff_are_told_once_when_a_channel_is_paused_again_and_again() -> None:
    for _n in range(3):
        pause("email", reason="401 unauthorized", now=timezone.now())
    (told,) = mail.outbox
    assert told.to == ["betrieb@example.de"]
    assert "email" in told.subject
    assert "401 unauthorized" in told.body
    resume("email")
    pause("email", reason="403 forbidden", now=timezone.now())
    assert len(mail.outbox) == 2
