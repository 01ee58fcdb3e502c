"""Processes that do the measured work, each with settings and a database of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


class WorkerError(RuntimeError):
    """What was raised in a worker, with its traceback as text."""


class Worker:
    """A fresh process that runs functions of this package, one at a time."""

    def __init__(self, database_url: str, **environment: str) -> None:
        """`environment` goes on top of ours; see `benchmarks.settings` for the names."""
        # spawned, not forked: a worker inherits neither settings nor memory
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        environment = {"DATABASE_URL": database_url, **environment}
        self._process = context.Process(target=_serve, args=(theirs, environment))
        self._process.start()
        theirs.close()

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function there and give its result. Raises WorkerError."""
        self.begin(function, *args, **kwargs)
        return cast(R, self.result())

    def begin(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Start the function there; `result` waits for its end."""
        self._connection.send((function, args, kwargs))

    def result(self) -> object:
        """What the function that was begun gave back. Raises WorkerError."""
        try:
            is_good, value = self._connection.recv()
        except EOFError:
            raise WorkerError("A worker died.") from None
        if not is_good:
            raise WorkerError(value)
        return value

    def close(self) -> None:
        """End the process and its connections to the database."""
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._connection.close()


@contextlib.contextmanager
def worker(database_url: str, **environment: str) -> Iterator[Worker]:
    started = Worker(database_url, **environment)
    try:
        yield started
    finally:
        started.close()


def _serve(connection: Connection, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    import django

    django.setup()
    # only now may models be imported, and with them the functions that come over the wire
    while (order := connection.recv()) is not None:
        function, args, kwargs = order
        try:
            answer = (True, function(*args, **kwargs))
        except BaseException:
            # the whole story goes to the process that asked
            answer = (False, traceback.format_exc())
        connection.send(answer)
