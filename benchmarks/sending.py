"""From idle carts to the providers' doors, against django-post_office and against the bare limit."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, cast

from benchmarks import bare_loop
from benchmarks.databases import Databases
from benchmarks.measuring import median, rate
from benchmarks.reporting import Row
from benchmarks.servers import Providers, providers, smtp_server
from benchmarks.sizes import Sizes
from benchmarks.workers import Worker, worker

SECTION: Final = "Sending: SendGrid and Twilio over TLS on loopback"
DELAYS: Final = (0.0, 0.05)
CHANNELS: Final = ("email", "sms")
NAMES: Final = {"email": "mails", "sms": "SMS"}
WARM_UPS: Final = 100
#: how many times django-post_office, and what part of the bare limit, where providers take 50 ms
TIMES_PEER: Final = 10.0
PART_OF_LIMIT: Final = 0.6

Span = tuple[float, float]
#: messages per second of each run, by (what, channel, workers, delay)
Key = tuple[str, str, int, float]
Rates = dict[Key, list[float]]


@dataclass(frozen=True, slots=True)
class Team:
    """What answers after one delay, and who sends to it."""

    delay: float
    providers: Providers
    workers: tuple[Worker, ...]
    #: django-post_office with its own five threads, and with as many as we have lanes
    peers: tuple[Worker, ...]


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """All kinds in turn, several runs of each; SQLite, which has one writer, with one worker."""
    counts = (1, 2) if databases.vendor == "postgresql" else (1,)
    rates: Rates = defaultdict(list)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(databases.fresh())
        teams = [stack.enter_context(_team(url, delay, max(counts))) for delay in DELAYS]
        for _run in range(sizes.runs):
            for team in teams:
                for channel in CHANNELS:
                    _measure_ours(team, channel, counts, sizes, rates)
                _measure_peer(team, counts, sizes, rates)
    for delay in DELAYS:
        for channel in CHANNELS:
            for count in counts:
                yield from _rows(databases, rates, (channel, count, delay))
        yield from _peer_rows(databases, rates, delay, counts)


@contextlib.contextmanager
def _team(url: str, delay: float, count: int) -> Iterator[Team]:
    from benchmarks import delivering

    with contextlib.ExitStack() as stack:
        found = stack.enter_context(providers(delay))
        port = str(stack.enter_context(smtp_server(delay)))
        settings = {"BENCH_PROVIDERS_URL": found.url, "BENCH_CA_BUNDLE": found.ca_bundle}
        ours = [stack.enter_context(worker(url, **settings)) for _ in range(count)]
        lanes = str(ours[0].call(delivering.lanes, "email"))
        peers = [
            stack.enter_context(
                worker(url, BENCH_PEER="1", BENCH_SMTP_PORT=port, BENCH_PEER_THREADS=threads)
            )
            for threads in ("5", lanes)
        ]
        yield Team(delay, found, tuple(ours), tuple(peers))


def _measure_ours(
    team: Team, channel: str, counts: Iterable[int], sizes: Sizes, rates: Rates
) -> None:
    from benchmarks import carts, delivering

    first = team.workers[0]
    lanes = first.call(delivering.lanes, channel)
    first.call(carts.begin, channel)
    first.call(carts.add_idle, WARM_UPS, channel)
    first.call(delivering.plan_all)
    requests = first.call(delivering.deliver_recording, channel)
    for number in counts:
        # imports, connections and templates are made once in a worker's life
        for member in team.workers[:number]:
            first.call(carts.begin, channel)
            first.call(carts.add_idle, WARM_UPS, channel)
            first.call(delivering.plan_all)
            member.call(delivering.deliver)
        first.call(carts.begin, channel)
        first.call(carts.add_idle, sizes.messages, channel)
        span, planned = first.call(delivering.plan_all)
        planning = span[1] - span[0]
        for member in team.workers[:number]:
            member.begin(delivering.deliver)
        delivering_time = _together(team.workers[:number], planned)
        key = (channel, number, team.delay)
        rates["planning", *key].append(planned / planning)
        rates["handing over", *key].append(planned / delivering_time)
        rates["all", *key].append(planned / (planning + delivering_time))
        for member in team.workers[:number]:
            part = planned // number
            member.begin(bare_loop.send, requests, part, lanes, team.providers.ca_bundle)
        rates["bare", *key].append(planned / _together(team.workers[:number], planned))


def _measure_peer(team: Team, counts: Iterable[int], sizes: Sizes, rates: Rates) -> None:
    from benchmarks import peer

    count = sizes.slow_messages if team.delay else sizes.messages
    for name, member in zip(("peer", "peer with our threads"), team.peers, strict=True):
        for number in counts:
            member.call(peer.begin)
            member.call(peer.queue, WARM_UPS)
            member.call(peer.send, 1)
            member.call(peer.queue, count)
            span, sent = member.call(peer.send, number)
            rates[name, "email", number, team.delay].append(sent / (span[1] - span[0]))


def _together(workers: Iterable[Worker], expected: int) -> float:
    """Seconds from the first one's start to the last one's end."""
    spans: list[Span] = []
    done = 0
    for member in workers:
        span, count = cast(tuple[Span, int], member.result())
        spans.append(span)
        done += count
    if done != expected:
        raise RuntimeError(f"{done} of {expected} messages went out")
    return max(end for _begin, end in spans) - min(begin for begin, _end in spans)


def _rows(databases: Databases, rates: Rates, key: tuple[str, int, float]) -> Iterator[Row]:
    channel, count, delay = key
    found = {
        name: median(rates[name, *key]) for name in ("planning", "handing over", "all", "bare")
    }
    title = f"{databases.title}: {NAMES[channel]}, {_surroundings(count, delay)}"
    part = found["all"] / found["bare"]
    has_aim = bool(delay) and databases.vendor == "postgresql"
    yield Row(
        SECTION,
        title,
        f"{rate(found['all'])} (planning {rate(found['planning'])}, then {rate(found['handing over'])})",
        f"bare limit {rate(found['bare'])}",
        f"{part:.0%}",
        f"≥ {PART_OF_LIMIT:.0%}" if has_aim else "",
        part >= PART_OF_LIMIT if has_aim else None,
    )


def _peer_rows(
    databases: Databases, rates: Rates, delay: float, counts: Iterable[int]
) -> Iterator[Row]:
    aim = TIMES_PEER if delay else 1.0
    for count in counts:
        ours = median(rates["all", "email", count, delay])
        for name in ("peer", "peer with our threads"):
            theirs = median(rates[name, "email", count, delay])
            has_aim = name == "peer" and databases.vendor == "postgresql"
            threads = "5 threads" if name == "peer" else "as many threads as we have lanes"
            yield Row(
                SECTION,
                f"{databases.title}: mails, {_surroundings(count, delay)}",
                rate(ours),
                f"django-post_office, {threads}, {rate(theirs)}",
                f"{ours / theirs:.1f} ×",
                f"≥ {aim:.0f} ×" if has_aim else "",
                ours / theirs >= aim if has_aim else None,
            )


def _surroundings(count: int, delay: float) -> str:
    when = f"answers after {delay * 1000:.0f} ms" if delay else "answers at once"
    return f"{when}, {'one worker' if count == 1 else f'{count} workers'}"
