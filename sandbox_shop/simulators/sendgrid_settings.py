"""The settings blocks of a SendGrid mail: their known switches, and what they mean for tracking."""

from __future__ import annotations

from typing import Any

_SWITCH: dict[str, type] = {"enable": bool}
_SETTINGS: dict[str, dict[str, dict[str, type]]] = {
    "mail_settings": {
        "bypass_list_management": _SWITCH,
        "bypass_spam_management": _SWITCH,
        "bypass_bounce_management": _SWITCH,
        "bypass_unsubscribe_management": _SWITCH,
        "footer": {"enable": bool, "text": str, "html": str},
        "sandbox_mode": _SWITCH,
    },
    "tracking_settings": {
        "click_tracking": {"enable": bool, "enable_text": bool},
        "open_tracking": {"enable": bool, "substitution_tag": str},
        "subscription_tracking": {
            "enable": bool, "text": str, "html": str, "substitution_tag": str,
        },
        "ganalytics": {
            "enable": bool, "utm_source": str, "utm_medium": str, "utm_term": str,
            "utm_content": str, "utm_campaign": str,
        },
    },
}  # fmt: skip
# what a new SendGrid account does where a mail does not say otherwise
_ACCOUNT_TRACKING = {"open": True, "click": True, "subscription": False}


def check_settings(mail: dict[str, Any], problems: list[tuple[str, str | None]]) -> None:
    for block, known in _SETTINGS.items():
        for name, values in mail.get(block, {}).items():
            _check_block(values, known.get(name), f"{block}.{name}", problems)
    pool = mail.get("ip_pool_name", "ok")
    if not 2 <= len(pool) <= 64:
        message = "The IP Pool name must be a valid pool name for your account."
        problems.append((message, "ip_pool_name"))
    if "asm" in mail and not _is_whole(mail["asm"].get("group_id")):
        problems.append(("The ASM group ID must be an integer.", "asm.group_id"))
    elif "asm" in mail:
        message = "The ASM group ID must be a valid Group ID on your account."
        problems.append((message, "asm.group_id"))


def _check_block(
    values: object,
    types: dict[str, type] | None,
    field: str,
    problems: list[tuple[str, str | None]],
) -> None:
    name = field.rpartition(".")[2]
    if types is None:
        problems.append((f"Additional property {name} is not allowed", field))
    elif not isinstance(values, dict):
        problems.append(("Invalid type. Expected: object.", field))
    else:
        for key, value in values.items():
            if key not in types:
                problems.append((f"Additional property {key} is not allowed", f"{field}.{key}"))
            elif not isinstance(value, types[key]):
                expected = "boolean" if types[key] is bool else "string"
                problems.append((f"Invalid type. Expected: {expected}.", f"{field}.{key}"))


def is_sandboxed(mail: dict[str, Any]) -> bool:
    """Sandbox mode: everything is checked, nothing is sent."""
    return _is_on(mail, "mail_settings", "sandbox_mode", default=False)


def tracking_of(mail: dict[str, Any]) -> dict[str, bool]:
    """Which tracking is on for the mail: {"open", "click", "subscription"}."""
    return {
        name: _is_on(mail, "tracking_settings", f"{name}_tracking", default=default)
        for name, default in _ACCOUNT_TRACKING.items()
    }


def _is_on(mail: dict[str, Any], block: str, name: str, *, default: bool) -> bool:
    return bool(mail.get(block, {}).get(name, {}).get("enable", default))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
