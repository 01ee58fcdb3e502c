"""``python -m sandbox_shop.simulators``: the simulators as a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox_shop.simulators import defaults
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.server import serve
from sandbox_shop.simulators.signing import EventSigner, ensure_key_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; 0 after a clean stop, 1 where it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    chosen = vars(_parser().parse_args(arguments))
    key_file = chosen.pop("sendgrid_private_key")
    try:
        if key_file:
            chosen["sendgrid_private_key"] = _private_key(Path(key_file))
        options = Options.from_environment(
            os.environ, **{name: value for name, value in chosen.items() if value is not None}
        )
        asyncio.run(_run(options))
    except (OSError, ValueError) as error:
        print(f"The provider simulators cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _private_key(path: Path) -> str:
    """The key in the file, made there if absent; raises OSError or ValueError."""
    ensure_key_file(path)
    pem = path.read_text("ascii")
    EventSigner(pem)
    return pem


async def _run(options: Options) -> None:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, until.set)
    await serve(options, until=until, announce=_announce)


def _announce(url: str) -> None:
    print(f"Messages: {url}/", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox_shop.simulators",
        description="SendGrid and Twilio on loopback, with a page that shows what was sent.",
        epilog="Environment: PROVIDERS_PORT, SENDGRID_API_KEY, TWILIO_ACCOUNT_SID, "
        "TWILIO_AUTH_TOKEN; an option wins over its variable.",
    )
    add = parser.add_argument
    add("--host", help="address to listen on (127.0.0.1)")
    add("--port", type=int, help=f"port to listen on ({defaults.DEFAULT_PORT}; 0: any free one)")
    add("--tls", action="store_true", help="speak HTTPS with a certificate made for this run")
    add("--webhook-base", default=defaults.DEFAULT_WEBHOOK_BASE, type=lambda url: url.rstrip("/"),
        help="the shop's address; empty: nothing is posted back (%(default)s)")  # fmt: skip
    add("--public-base", type=lambda url: url.rstrip("/"),
        help="what the shop calls itself, where that differs from --webhook-base")  # fmt: skip
    add("--events-path", help=f"for SendGrid's events ({defaults.DEFAULT_EVENTS_PATH})")
    add("--inbound-path", help=f"for answers by SMS ({defaults.DEFAULT_INBOUND_PATH})")
    add("--sendgrid-private-key", metavar="FILE",
        help="PEM file that signs the events, made if absent; default: a new key")  # fmt: skip
    add("--sms-numbers", type=_numbers, metavar="NUMBERS",
        help="the account's numbers with commas; default: every valid number is one")  # fmt: skip
    add("--advanced-opt-out", action="store_true", help="send OptOutType with STOP, START, HELP")
    add("--delay", type=float, help="seconds before each answer of the providers (0)")
    add("--step-delay", type=float, default=0.5,
        help="seconds between two events of a message (%(default)s)")  # fmt: skip
    add("--events-every", type=float, default=0.5,
        help="seconds for which mail events are collected into one call (%(default)s)")  # fmt: skip
    add("--keep", type=int, help=f"messages remembered ({defaults.DEFAULT_KEEP})")
    add("--light", action="store_true", help="remember nothing, post nothing back (benchmarks)")
    return parser


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(number.strip() for number in text.split(",") if number.strip())


if __name__ == "__main__":
    sys.exit(main())
