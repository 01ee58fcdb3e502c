"""A database beside the tests' own, for a sandbox that runs on a server."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit, urlunsplit


def own_database(url: str, *, template: str = "") -> str:
    """Create a database on the server that `url` names and give its URL; "" for SQLite or nothing.

    With the URL of a template it holds the same, whereas nobody may be connected to that one.
    """
    if not _is_postgres(url):
        return ""
    name = f"sandbox_{uuid.uuid4().hex[:8]}"
    source = f' TEMPLATE "{_name(template)}"' if template else ""
    _on_server(url, f'CREATE DATABASE "{name}"{source}')
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def drop_database(url: str) -> None:
    """Remove what `own_database` has made."""
    if _is_postgres(url):
        _on_server(url, f'DROP DATABASE "{_name(url)}" WITH (FORCE)')


def _is_postgres(url: str) -> bool:
    return urlsplit(url).scheme.startswith("postgres")


def _name(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _on_server(url: str, statement: str) -> None:
    import psycopg

    server = urlunsplit(urlsplit(url)._replace(path="/postgres"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
