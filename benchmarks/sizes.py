"""How much is measured: enough to trust it, or just enough to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    #: processes per arm, requests before anything counts, rounds of add_to_basket
    replicas: int = 3
    warm_ups: int = 60
    additions: int = 900
    #: tracked carts of sweep_scale, due ones, and sweeps of each
    few_carts: int = 10_000
    many_carts: int = 5_000_000
    due_carts: int = 1_000
    sweeps: int = 11
    #: messages per run of sending, of the peer's run with a delay, and runs of each
    messages: int = 4_000
    slow_messages: int = 600
    runs: int = 3
    #: messages of memory
    few_messages: int = 10_000
    many_messages: int = 100_000
    #: messages per run of rendering
    rendered: int = 5_000
    #: people of privacy
    few_persons: int = 10_000
    many_persons: int = 100_000
    #: carts of admin_pages, each with a message, and rounds through the pages
    few_rows: int = 10_000
    many_rows: int = 1_000_000
    page_rounds: int = 7
    #: order lines of recommendations, and products that they are lines of
    order_lines: int = 1_000_000
    ordered_products: int = 10_000


FULL = Sizes()
QUICK = Sizes(
    replicas=1, warm_ups=3, additions=12, few_carts=10_000, many_carts=100_000, due_carts=200,
    sweeps=3, messages=300, slow_messages=60, runs=1, few_messages=1_000, many_messages=5_000,
    rendered=300, few_persons=600, many_persons=3_000, few_rows=1_000,
    many_rows=20_000, page_rounds=2, order_lines=30_000, ordered_products=1_000,
)  # fmt: skip
