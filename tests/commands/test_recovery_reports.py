"""The reports from the shell."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from cart_recovery.models import DailyFigure, Measure
from tests.reports.kit import DAY, figures, make_conversion, make_message

pytestmark = pytest.mark.django_db
SPAN = ("--since=2026-06-01", "--until=2026-06-30")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("recovery_reports", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_sums_are_printed() -> None:
    DailyFigure.objects.create(
        day=DAY, measure=Measure.RECOVERED, count=3, amount=Decimal("59.90"), currency="EUR"
    )
    printed = run(*SPAN).split()
    assert "recovered" in printed
    assert printed[-2:] == ["59.90", "EUR"]


def test_days_are_summed_up_anew(settings: Any) -> None:
    make_conversion(make_message())
    run(*SPAN)
    assert figures(Measure.SENT) == []
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY, "PRICES": {"email": (Decimal("0.01"), "EUR")},
    }  # fmt: skip
    run(*SPAN, "--rebuild")
    run(*SPAN, "--rebuild")
    assert figures(Measure.SENT) == [(1,)]
    rows = list(csv.DictReader(io.StringIO(run(*SPAN, "--csv"))))
    assert {row["measure"]: (row["number"], row["amount"]) for row in rows} == {
        "sent": ("1", ""), "delivered": ("1", ""), "reached": ("1", ""), "cost": ("1", "0.01"),
        "recovered": ("1", "50"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since=2026-06-02", "--until=2026-06-01"), ("--since=1999-01-01",),
        ("--since=gestern",),
    ],
)  # fmt: skip
def test_days_that_make_no_sense_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
