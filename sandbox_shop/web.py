"""The shop's web server, `python -m sandbox_shop.web`: one process, some threads, all files."""

from __future__ import annotations

import os

import django
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from waitress import serve

from sandbox_shop.environment import current


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox_shop.settings")
    django.setup()
    environment = current()
    # the handler serves the apps' static files from where they are: no collectstatic to forget
    application = StaticFilesHandler(WSGIHandler())
    serve(
        application, host=environment.bind, port=environment.port, threads=8, ident="sandbox-shop"
    )


if __name__ == "__main__":
    main()
