"""A database beside the tests' own, for a sandbox that runs on a server."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit, urlunsplit


def own_database(url: str) -> str:
    """Create a database on the server that `url` names and give its URL; "" for SQLite or nothing."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgres"):
        return ""
    import psycopg

    name = f"sandbox_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    return urlunsplit(parts._replace(path=f"/{name}"))
