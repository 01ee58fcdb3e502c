"""Consent from apps and headless shops, as JSON. No session, no cookie: there is nothing to forge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import BadRequest, RequestDataTooBig, ValidationError
from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from cart_recovery.channels.registry import configured_aliases
from cart_recovery.conf import conf
from cart_recovery.consent.addresses import address_kind_of
from cart_recovery.consent.pages import unlisted
from cart_recovery.consent.throttling import client_of, seconds_to_wait
from cart_recovery.consent.wordings import current, shown
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import ConsentWording
from cart_recovery.preferences.bodies import JSON_TYPES, refusal_of
from cart_recovery.preferences.capturing import Submission, submit
from cart_recovery.preferences.entering import read_address, read_country

_FIELDS = ("channel", "address", "country", "wording", "language", "source_url")


@csrf_exempt
def wordings(request: HttpRequest) -> JsonResponse:
    """GET `?form=capture&channel=email&language=de`: the text to show beside the box.

    200 with `id`, `form`, `channel`, `language`, `version`, `text`, `purposes`; 400 with `errors`
    by field; 404 where the shop has no such text.
    """
    if request.method not in ("GET", "HEAD"):
        return _not_allowed("GET, HEAD")
    form, channel = request.GET.get("form", "capture"), request.GET.get("channel", "")
    if channel not in configured_aliases():
        return _refused({"channel": _unknown_channel()})
    try:
        wording = current(f"{form}-{channel}", request.GET.get("language", "") or _language(""))
    except ConsentWording.DoesNotExist:
        return _answer({"errors": {"form": _("There is no text for this form.")}}, 404)
    return _answer({
        "id": wording.pk, "form": form, "channel": wording.channel, "language": wording.language,
        "version": wording.version, "text": wording.text, "purposes": wording.purposes,
    })  # fmt: skip


@csrf_exempt
def consent(request: HttpRequest) -> JsonResponse:
    """POST what a person agreed to. 202 and always the same body for what is well-formed; 400 with
    `errors` by field, 405, 413, 415, and 429 with Retry-After."""
    if request.method != "POST":
        return _not_allowed("POST")
    refusal = refusal_of(request, JSON_TYPES)
    if refusal:
        return _refused({"": _BODY_ERRORS[refusal]}, refusal)
    wait = seconds_to_wait("api", "client", client_of(request))
    if wait:
        response = _refused({"": "Too many requests."}, 429)
        response["Retry-After"] = str(wait)
        return response
    try:
        data = _read_body(request)
    except ValueError as error:
        return _refused({"": str(error)})
    with translation.override(_language(data["language"])):
        entry = _read(data)
        if entry.errors:
            return _refused(entry.errors)
    submit(entry.submission())
    return _answer({"status": "accepted"}, 202)


_BODY_ERRORS: Mapping[int, str] = {
    413: "The body is too large, or does not say how large it is.",
    415: "The body must be application/json.",
}


@dataclass(slots=True)
class _Entry:
    """The fields of a request, read as far as they can be."""

    data: Mapping[str, str]
    errors: dict[str, str]
    wording: ConsentWording | None = None
    address: str = ""
    country: str = ""

    def submission(self) -> Submission:
        if self.wording is None:
            raise ValueError("An entry without a wording has errors.")
        channel = self.data["channel"]
        return Submission(
            form="api", channel=channel, address=self.address, wording=self.wording,
            source=f"api_{self.wording.code.removesuffix(f'-{channel}')}",
            source_url=self.data["source_url"], language=_language(self.data["language"]),
            country=self.country,
        )  # fmt: skip


def _read_body(request: HttpRequest) -> dict[str, str]:
    """The known fields as text. Raises ValueError for what is no JSON object of texts."""
    try:
        raw = json.loads(request.body)
    except (ValueError, RecursionError):
        raise ValueError("The body is no JSON.") from None
    except (RequestDataTooBig, RawPostDataException, UnreadablePostError, BadRequest):
        raise ValueError("The body cannot be read.") from None
    if not isinstance(raw, dict):
        raise ValueError("The body must be a JSON object.")  # noqa: TRY004 one kind of error for callers
    unknown = sorted(set(raw) - set(_FIELDS))
    if unknown:
        raise ValueError(f"Known fields are: {', '.join(_FIELDS)}.")
    return {name: _text(raw.get(name)) for name in _FIELDS}


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    text = str(value) if isinstance(value, str) or abs(value) < 10**18 else ""
    # no database takes a NUL or half of a surrogate pair, and no person typed one
    is_storable = "\x00" not in text and text == text.encode("utf-8", "ignore").decode()
    return text.strip() if is_storable else ""


def _read(data: Mapping[str, str]) -> _Entry:
    entry = _Entry(data, {})
    channel = data["channel"]
    try:
        entry.country = read_country(data["country"])
    except ValidationError as error:
        entry.errors["country"] = str(error.message)
    try:
        kind = address_kind_of(channel)
    except ChannelConfigurationError:
        entry.errors["channel"] = _unknown_channel()
        return entry
    try:
        entry.address = read_address(kind, data["address"], country=entry.country)
    except ValidationError as error:
        entry.errors["address"] = str(error.message)
    entry.wording = shown(data["wording"], channel=channel)
    if entry.wording is None:
        entry.errors["wording"] = _(
            "This is not the id of a text that is shown for this channel. Fetch it anew."
        )
    if not _is_source(data["source_url"]):
        entry.errors["source_url"] = _(
            "This must be the address of the page or screen, up to 500 characters."
        )
    return entry


def _is_source(text: str) -> bool:
    """A web address, an app's own (`shopapp://basket`), or nothing. It is part of the proof."""
    if not text:
        return True
    try:
        return len(text) <= 500 and text.isprintable() and bool(urlsplit(text).scheme)
    except ValueError:
        return False


def _language(wanted: str) -> str:
    try:
        return translation.get_supported_language_variant(wanted)
    except LookupError:
        return translation.get_language() or conf.LANGUAGES[0]


def _unknown_channel() -> str:
    return _("Known channels are: %(names)s.") % {"names": ", ".join(configured_aliases())}


def _refused(errors: Mapping[str, str], status: int = 400) -> JsonResponse:
    return _answer({"errors": dict(errors)}, status)


def _not_allowed(allowed: str) -> JsonResponse:
    response = _refused({"": f"Allowed: {allowed}."}, 405)
    response["Allow"] = allowed
    return response


def _answer(body: Mapping[str, Any], status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status)
    unlisted(response)
    return response
