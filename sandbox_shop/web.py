"""The shop's web server, `python -m sandbox_shop.web`: one process, some threads, all files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import django
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from waitress import serve

from sandbox_shop.environment import current

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def without_bodies_for_head(application: WSGIApplication) -> WSGIApplication:
    """What waitress leaves to the application: an answer to HEAD ends with its headers.

    A body there would be read as the next answer of a kept connection.
    """

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        return []

    return wrapped


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox_shop.settings")
    django.setup()
    environment = current()
    # the handler serves the apps' static files from where they are: no collectstatic to forget
    application = without_bodies_for_head(StaticFilesHandler(WSGIHandler()))
    serve(
        application, host=environment.bind, port=environment.port, threads=8, ident="sandbox-shop"
    )


if __name__ == "__main__":
    main()
