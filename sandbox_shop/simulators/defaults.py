"""What the sandbox uses where the environment names no real account. Nothing here is a secret."""

from __future__ import annotations

DEFAULT_PORT = 8025
DEFAULT_WEBHOOK_BASE = "http://127.0.0.1:8000"
DEFAULT_EVENTS_PATH = "/recovery/hooks/email/events"
DEFAULT_INBOUND_PATH = "/recovery/hooks/sms/inbound"

DEFAULT_SENDGRID_KEY = "SG.sandbox-key-of-the-simulator.not-a-secret-works-only-on-loopback"
DEFAULT_TWILIO_SID = "AC" + "5a4db0c5" * 4
DEFAULT_TWILIO_TOKEN = "sandbox" + "0" * 25
# an unassigned German mobile block: a typing error cannot reach a real phone
DEFAULT_TWILIO_NUMBER = "+4915799912345"

DEFAULT_KEEP = 5_000
