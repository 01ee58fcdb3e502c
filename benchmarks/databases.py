"""Databases of this run alone: made from one migrated template, dropped at the end."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks.workers import worker

DEFAULT_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"


class Databases:
    """Migrated databases of one kind, as many as are asked for."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self._numbers = itertools.count(1)
        self._template = ""

    @property
    def title(self) -> str:
        return {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[self.vendor]

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a new database with tables and a small catalogue."""
        if not self._template:
            self._template = self._empty()
            _migrate(self._url(self._template))
        name = self._copy(self._template)
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        if self._template:
            self._drop(self._template)
            self._template = ""

    def _name(self) -> str:
        return f"cart_recovery_bench_{os.getpid()}_{next(self._numbers)}"

    def _url(self, name: str) -> str:
        raise NotImplementedError

    def _empty(self) -> str:
        raise NotImplementedError

    def _copy(self, name: str) -> str:
        raise NotImplementedError

    def _drop(self, name: str) -> None:
        raise NotImplementedError


class SQLiteDatabases(Databases):
    """Files in a temporary folder."""

    def __init__(self) -> None:
        super().__init__("sqlite")
        self._folder = Path(tempfile.mkdtemp(prefix="cart-recovery-bench-"))

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _url(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}"

    def _empty(self) -> str:
        return self._name()

    def _copy(self, name: str) -> str:
        copy = self._name()
        shutil.copy(self._folder / name, self._folder / copy)
        return copy

    def _drop(self, name: str) -> None:
        for path in self._folder.glob(f"{name}*"):
            # number 1 is not number 10
            if path.name.removeprefix(name) in {"", "-wal", "-shm"}:
                path.unlink()


class PostgresDatabases(Databases):
    """Databases on the server of a URL; whatever it holds is left alone."""

    def __init__(self, server_url: str) -> None:
        super().__init__("postgresql")
        self._server = urlsplit(server_url)
        self.version = f"PostgreSQL {self._execute('SHOW server_version')}"

    def _url(self, name: str) -> str:
        return urlunsplit(self._server._replace(path=f"/{name}"))

    def _empty(self) -> str:
        name = self._name()
        self._execute(f'CREATE DATABASE "{name}"')
        return name

    def _copy(self, name: str) -> str:
        copy = self._name()
        self._execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
        return copy

    def _drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, sql: Any) -> str:
        import psycopg

        url = urlunsplit(self._server._replace(scheme="postgresql"))
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return str(row[0]) if row else ""


@contextlib.contextmanager
def available(server_url: str) -> Iterator[list[Databases]]:
    """PostgreSQL, where a server answers, and SQLite."""
    found: list[Databases] = []
    try:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            found.append(PostgresDatabases(server_url))
        found.append(SQLiteDatabases())
        yield found
    finally:
        for databases in found:
            databases.close()


def _migrate(url: str) -> None:
    from benchmarks import catalogue

    with worker(url, BENCH_PEER="1") as process:
        process.call(catalogue.install)
