"""Twilio's own client over pooled connections. Imports the library: import this module late."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import urllib3
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from cart_recovery.channels.transport import Answer, Transport


class PooledHttpClient(TwilioHttpClient):  # type: ignore[misc]  # the library is untyped
    """Ends in our transport. `base_url` other than "" replaces scheme and host of each request."""

    def __init__(self, transport: Transport, base_url: str) -> None:
        super().__init__(pool_connections=False)
        self.transport = transport
        self._base = urlsplit(base_url)
        self._local = threading.local()

    @property
    def last_answer(self) -> Answer | None:
        """This thread's last answer. The library's exceptions keep no headers, and a status that
        they take from the body."""
        return getattr(self._local, "answer", None)

    def forget_answer(self) -> None:
        self._local.answer = None

    def request(  # noqa: PLR0913, PLR0917 the library's signature
        self, method: str, url: str, params: Any = None, data: Any = None, headers: Any = None,
        auth: Any = None, timeout: float | None = None, allow_redirects: bool = False,
    ) -> Response:  # fmt: skip
        target = urlsplit(url)
        query = urlencode(params, doseq=True) if params else target.query
        scheme, netloc = self._base.scheme or target.scheme, self._base.netloc or target.netloc
        url = urlunsplit((scheme, netloc, self._base.path.rstrip("/") + target.path, query, ""))
        headers = dict(headers or {})
        if auth:
            headers.update(urllib3.make_headers(basic_auth=f"{auth[0]}:{auth[1]}"))
        body = urlencode(data, doseq=True).encode() if data else None
        answer = self.transport.request(method.upper(), url, body=body, headers=headers)
        self._local.answer = answer
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def make_client(account_sid: str, auth_token: str, http_client: PooledHttpClient) -> Client:
    """A client that reads nothing from the environment where the options say something."""
    return Client(account_sid, auth_token, http_client=http_client)
