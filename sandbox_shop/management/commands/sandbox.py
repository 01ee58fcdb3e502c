"""`python manage.py sandbox`: set the shop up, then run it until Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

import django_q.brokers
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from sandbox_shop import customers, keys, ports
from sandbox_shop.environment import Environment, current
from sandbox_shop.installation import install
from sandbox_shop.processes import Crew, Part, PartFailedError


class Command(BaseCommand):
    """Everything in one foreground process; see `sandbox_shop.environment` for the variables."""

    help = "Sets the sandbox shop up and runs it: web server, queue worker, provider simulators."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--setup-only", action="store_true", help="set up, do not run")

    def handle(self, *args: Any, setup_only: bool = False, **options: Any) -> None:
        environment = current()
        with _lock(environment.var):
            if not setup_only:
                _require_free_ports(environment)
            self._install()
            if not setup_only:
                self._run(environment)

    def _install(self) -> None:
        self.stdout.write("Setting up …")
        try:
            install(lambda step: self.stdout.write(f"  {step}"))
            _reach_broker()
        except OperationalError as error:
            raise CommandError(
                f"The database does not answer. Is DATABASE_URL right?\n{error}"
            ) from error
        # children get connections of their own
        connections.close_all()

    def _run(self, environment: Environment) -> None:
        crew = Crew(parts(environment), environment=os.environ, say=self.stdout.write)
        self.stdout.write("Starting …")
        try:
            crew.run(lambda: self.stdout.write(welcome(environment)))
        except PartFailedError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Stopped. The data stays in " + str(environment.var))


def parts(environment: Environment) -> list[Part]:
    """The children, in the order in which they start."""
    logs = environment.var / "log"
    logs.mkdir(parents=True, exist_ok=True)
    manage = str(Path(__file__).resolve().parents[3] / "manage.py")
    simulators = (environment.host, environment.providers_port)
    return [
        Part("Provider simulators", _simulators(environment), logs / "providers.log", simulators),
        Part(
            "Queue worker", [sys.executable, manage, "qcluster"], logs / "queue.log"
        ),
        Part(
            "Web server", [sys.executable, "-m", "sandbox_shop.web"], logs / "web.log",
            (environment.host, environment.port),
        ),
    ]  # fmt: skip


def welcome(environment: Environment) -> str:
    """What is printed once everything answers."""
    mails = "leave for real, by SendGrid" if environment.sendgrid_is_real else "stay here"
    texts = "leave for real, by Twilio" if environment.twilio_is_real else "stay here"
    return f"""
  Shop       {environment.shop_url}/
  Dashboard  {environment.shop_url}/dashboard/orders/
  Admin      {environment.shop_url}/admin/   {customers.STAFF_EMAIL} / {customers.STAFF_PASSWORD}
  Messages   {environment.simulators_url}/

  E-mails {mails}, SMS {texts}.
  Try it: register and agree to reminders, put something into the basket, go away. Within two
  minutes the first message shows under Messages.
  Or: place an order with a mobile number, and set it to Shipped under Dashboard. The strip at the top
  of each page says what else there is to see.
  Logs are in {environment.var / "log"}. Ctrl-C stops everything.
"""


def _simulators(environment: Environment) -> list[str]:
    return [
        sys.executable, "-m", "sandbox_shop.simulators",
        "--host", environment.bind,
        "--port", str(environment.providers_port),
        "--webhook-base", environment.local_shop_url,
        "--public-base", environment.shop_url,
        "--sendgrid-private-key", str(keys.webhook_key_file(environment.var)),
    ]  # fmt: skip


def _lock(var: Path) -> IO[str]:
    """The open lock file of a directory: one sandbox at a time works on the same data."""
    var.mkdir(parents=True, exist_ok=True)
    lock = (var / "sandbox.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise CommandError(
            f"A sandbox already runs with the data in {var}. Stop it, or set SANDBOX_VAR to "
            "another directory."
        ) from None
    return lock


def _require_free_ports(environment: Environment) -> None:
    if environment.port == environment.providers_port:
        raise CommandError("PORT and PROVIDERS_PORT must differ.")
    for name, port in (("PORT", environment.port), ("PROVIDERS_PORT", environment.providers_port)):
        if not ports.is_free(environment.bind, port):
            raise CommandError(
                f"Port {port} is taken by another program. Stop it, or choose another port: "
                f"make sandbox {name}={port + 1}"
            )


def _reach_broker() -> None:
    try:
        django_q.brokers.get_broker().ping()
    except Exception as error:
        raise CommandError(f"The queue does not answer. Is REDIS_URL right?\n{error}") from error
