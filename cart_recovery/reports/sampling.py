"""Counting over very many rows: one in so many of them, told by their keys, stands for all.

A hundred thousand rows tell a share to within a third of a per cent, and take as long in a shop with
a million contacts as in one with a hundred thousand. Smaller tables are counted as a whole.
"""

from __future__ import annotations

from math import isqrt
from typing import Final, TypeVar, cast

from django.db.models import F, Model, QuerySet
from django.db.models.functions import Mod

M = TypeVar("M", bound=Model)

LARGEST: Final = 100_000


def one_in(total: int, *, largest: int = LARGEST) -> int:
    """One row in how many is looked at; 1 for all of them.

    A prime number: what a shop does with every tenth or every second row does not show in it.
    """
    number = -(-total // largest)
    while number > 1 and not _is_prime(number):
        number += 1
    return max(number, 1)


def sample(rows: QuerySet[M], number: int, key: str = "pk") -> QuerySet[M]:
    """Rows whose key (path) is a multiple of the number."""
    if number == 1:
        return rows
    return cast("QuerySet[M]", rows.annotate(sampled_key=Mod(F(key), number)).filter(sampled_key=0))


def _is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, isqrt(number) + 1))
