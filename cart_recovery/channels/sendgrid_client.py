"""SendGrid's own client over pooled connections. Imports the library: import this module late.

The library opens one TLS connection per call, waits for ever, follows redirects with the key in its
hand and formats each mail into its debug log. So what it calls at the end of `mail.send.post` is
replaced here; all before that is the library's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import python_http_client
from python_http_client.client import Response
from sendgrid import SendGridAPIClient

from cart_recovery.channels.transport import Answer, Transport


class PooledClient(python_http_client.Client):  # type: ignore[misc]  # the library is untyped
    """The library's URL builder, ending in our transport. Gives back every status, raises none."""

    def __init__(self, transport: Transport, **kwargs: Any) -> None:
        # first: the library's __getattr__ would take it for a part of a URL
        self.transport = transport
        super().__init__(**kwargs)

    def _build_client(self, name: str | None = None) -> PooledClient:
        return PooledClient(
            self.transport, host=self.host, version=self._version,
            request_headers=self.request_headers, append_slash=self.append_slash,
            url_path=[*self._url_path, name] if name else self._url_path,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        if name in self.methods:
            return self._caller(name.upper())
        return super().__getattr__(name)

    def _caller(self, method: str) -> Callable[..., Response]:
        def call(request_body: Any = None, query_params: Any = None, **_unused: object) -> Response:
            body = None if request_body is None else json.dumps(request_body).encode()
            headers = {**self.request_headers, "Content-Type": "application/json"}
            url = self._build_url(query_params)
            return Response(
                _Opened(self.transport.request(method, url, body=body, headers=headers))
            )

        return call


class _Opened:
    """An answer in the shape that the library's Response reads."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def getcode(self) -> int:
        return self._answer.status

    def read(self) -> bytes:
        return self._answer.body

    def info(self) -> Any:
        return self._answer.headers


class PooledSendGrid(SendGridAPIClient):  # type: ignore[misc]  # the library is untyped
    """`SendGridAPIClient` with pooled connections."""

    def __init__(self, api_key: str, host: str, transport: Transport) -> None:
        super().__init__(api_key=api_key, host=host)
        self.transport = transport
        self.client = PooledClient(
            transport, host=host, version=3, request_headers=self._default_headers
        )
