"""What a restore report says to the shopper, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cart_recovery.restore_links.following import Outcome, RestoreReport
from cart_recovery.shop.money import price_text
from cart_recovery.shop.redeeming import VoucherReport, VoucherStatus
from cart_recovery.shop.restoring import LineReport, LineStatus


@dataclass(frozen=True, slots=True)
class Note:
    """`level` is one of Django's message levels by name: success, info or warning."""

    level: str
    text: SafeString


def notes_of(report: RestoreReport) -> list[Note]:
    """In the order in which they are read: what was done, what changed, the voucher."""
    notes = list(_summary(report))
    for line in report.lines:
        notes += _line_notes(line)
    if report.voucher is not None:
        notes += _voucher_notes(report.voucher)
    return notes


def _summary(report: RestoreReport) -> Iterator[Note]:
    statuses = {line.status for line in report.lines}
    if report.outcome != Outcome.RESTORED:
        return
    if statuses & {LineStatus.ADDED, LineStatus.FEWER}:
        yield Note("success", format_html("{}", _("Your basket is back.")))
    elif statuses & {LineStatus.KEPT, LineStatus.SHORT}:
        yield Note("success", format_html("{}", _("Your basket holds everything already.")))


def _line_notes(line: LineReport) -> Iterator[Note]:
    text = _line_text(line)
    if text:
        level = "info" if line.status == LineStatus.BOUGHT else "warning"
        yield Note(level, _with_alternatives(text, line))
    if line.is_price_changed and line.quantity:
        yield _price_note(line)


def _line_text(line: LineReport) -> str:
    """What happened to a line, "" where there is nothing to say."""
    values = {"title": line.title, "number": line.quantity, "wanted": line.wanted}
    texts = {
        LineStatus.GONE: _("“%(title)s” is no longer available."),
        LineStatus.BOUGHT: _("You have bought “%(title)s” in the meantime; it was left out."),
        LineStatus.OTHER_CURRENCY: _(
            "“%(title)s” has a price in another currency and cannot go into the same basket."
        ),
        LineStatus.CHOOSE_AGAIN: _("“%(title)s” was left out: please choose its options again."),
        LineStatus.NOT_MORE: _(
            "“%(title)s”: %(number)s of %(wanted)s are in your basket, because it can hold no more."
        ),
        LineStatus.FEWER: ngettext(
            "“%(title)s”: only %(number)s of %(wanted)s is left; it is in your basket.",
            "“%(title)s”: only %(number)s of %(wanted)s are left; they are in your basket.",
            line.quantity,
        ),
        LineStatus.SHORT: ngettext(
            "“%(title)s”: only %(number)s is left; your basket holds %(wanted)s.",
            "“%(title)s”: only %(number)s are left; your basket holds %(wanted)s.",
            line.quantity,
        ),
    }
    return texts[line.status] % values if line.status in texts else ""


def _with_alternatives(text: str, line: LineReport) -> SafeString:
    choices = [(other.path, other.title) for other in line.alternatives]
    if not choices and line.status == LineStatus.CHOOSE_AGAIN and line.product_path:
        choices = [(line.product_path, line.title)]
        return format_html("{} {}", text, _links(choices))
    if not choices:
        return format_html("{}", text)
    return format_html("{} {} {}", text, _("You may like:"), _links(choices))


def _links(choices: Iterable[tuple[str, str]]) -> SafeString:
    return format_html_join(", ", '<a href="{}">{}</a>', choices)


def _price_note(line: LineReport) -> Note:
    if line.old_price is None or line.new_price is None:
        raise ValueError("A price note needs both prices.")
    is_higher = line.new_price > line.old_price
    text = (
        _("“%(title)s” has become more expensive: %(new)s instead of %(old)s.")
        if is_higher
        else _("“%(title)s” has become cheaper: %(new)s instead of %(old)s.")
    )
    values = {
        "title": line.title,
        "new": price_text(line.new_price, line.currency),
        "old": price_text(line.old_price, line.currency),
    }
    return Note("warning" if is_higher else "info", format_html("{}", text % values))


def _voucher_notes(voucher: VoucherReport) -> Iterator[Note]:
    texts = {
        VoucherStatus.APPLIED: _("Your voucher %(code)s has been applied."),
        VoucherStatus.EXPIRED: _("Your voucher %(code)s has expired and is no longer valid."),
        VoucherStatus.USED: _(
            "Your voucher %(code)s has been used already and is no longer valid."
        ),
        VoucherStatus.GONE: _("Your voucher %(code)s is no longer valid."),
        VoucherStatus.NO_EFFECT: _(
            "Your voucher %(code)s gives nothing off this basket as it is. You can enter the code "
            "once its conditions are met."
        ),
    }
    if voucher.status in texts:
        level = "success" if voucher.status == VoucherStatus.APPLIED else "warning"
        yield Note(level, format_html("{}", texts[voucher.status] % {"code": voucher.code}))
