"""The dashboard: right figures, in constant queries, that anybody allowed to can read."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart_recovery.admin import charts, periods
from cart_recovery.admin.dashboard import today
from cart_recovery.models import Campaign, DailyFigure, Measure, RolledDay, Variant
from cart_recovery.reports.dashboard import Period, load
from cart_recovery.templatetags.recovery_admin import GROUPS, SHOWN
from tests.admin.desk import Desk
from tests.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
INDEX = "/admin/cart_recovery/"
DAY = dt.timedelta(days=1)


def figure(measure: str, count: int = 1, amount: str = "0", *, ago: int = 0, **key: Any) -> None:
    DailyFigure.objects.create(
        day=today() - ago * DAY, measure=measure, count=count, amount=Decimal(amount), **key
    )


def fill(days: int = 60) -> Campaign:
    """Figures as a shop would have them, the same each time, for two campaigns."""
    campaigns = [
        make_campaign(delays=(dt.timedelta(0), dt.timedelta(hours=2)), channels=("email", "sms"))
        for _n in range(2)
    ]
    Campaign.objects.filter(pk=campaigns[0].pk).update(name="Warenkorb verlassen")
    Campaign.objects.filter(pk=campaigns[1].pk).update(name="Kasse verlassen")
    variants = list(Variant.objects.select_related("step").order_by("pk"))
    rows = []
    for ago in range(days):
        day = today() - ago * DAY
        wave = 40 + (ago * 7) % 23 + (15 if day.weekday() > 4 else 0)
        rows.append(DailyFigure(day=day, measure=Measure.ABANDONED, language="de", currency="EUR",
                                count=wave, amount=wave * 60))  # fmt: skip
        for index, variant in enumerate(variants):
            key = {
                "day": day, "campaign_key": variant.step.campaign_id, "step_key": variant.step_id,
                "variant_key": variant.pk, "channel": variant.channel,
                "language": "de" if index % 3 else "en",
            }  # fmt: skip
            share = 2 + (ago + index * 3) % 5
            for measure, count, amount, currency in (
                (Measure.REACHED, share if variant.step.position == 1 else 0, 0, ""),
                (Measure.SENT, share + 1, 0, ""), (Measure.DELIVERED, share, 0, ""),
                (Measure.CLICKED, share // 3, 0, ""),
                (Measure.RECOVERED, share // 5, share * 21, "EUR"),
                (Measure.COST, share, Decimal("0.0825") * share, "EUR"),
                (Measure.OPTED_OUT, 1 if (ago + index) % 11 == 0 else 0, 0, ""),
                (Measure.COMPLAINED, 1 if ago == 5 and index == 0 else 0, 0, ""),
            ):  # fmt: skip
                if count:
                    rows.append(
                        DailyFigure(
                            measure=measure, count=count, amount=amount, currency=currency, **key
                        )
                    )
        RolledDay.objects.create(day=day, rolled_at=timezone.now())
    DailyFigure.objects.bulk_create(rows)
    return campaigns[0]


def tiles(page: Any) -> dict[str, Any]:
    return {tile.name: tile for tile in page.context["tiles"]}


def read_csv(page: Any, delimiter: str = ";") -> list[list[str]]:
    text = b"".join(page.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


class TestTiles:
    def test_figures_of_the_period_and_of_the_one_before(self, staff: Client) -> None:
        figure(Measure.ABANDONED, 40)
        figure(Measure.ABANDONED, 10, ago=7)
        figure(Measure.REACHED, 20)
        figure(Measure.RECOVERED, 5, "500", currency="EUR")
        figure(Measure.RECOVERED, 1, "70", currency="CHF")
        figure(Measure.REFUNDED, 1, "100.50", currency="EUR")
        figure(Measure.COST, 30, "2.50", currency="EUR")
        found = [
            tile.values for tile in staff.get(INDEX, {"days": "7"}).context["tiles"]
        ]  # fmt: skip
        assert found == [
            ["40"], ["20"], ["5"], ["70,00\xa0CHF", "399,50\xa0€"], ["2,50\xa0€"],
            ["159,80\xa0€ je 1,00\xa0€"], ["0"], ["0"],
        ]  # fmt: skip

    def test_they_are_compared_with_as_many_days_before(self) -> None:
        for ago, count in ((0, 40), (6, 2), (7, 9), (13, 1), (14, 99)):
            figure(Measure.ABANDONED, count, ago=ago)
        report = load(Period(today() - 6 * DAY, today()))
        assert report.now.of(Measure.ABANDONED) == 42
        assert report.before.of(Measure.ABANDONED) == 10
        assert [totals.of(Measure.ABANDONED) for _day, totals in report.days] == [
            2, 0, 0, 0, 0, 0, 40,
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("delivered", "complained", "tone"),
        [(10_000, 9, ""), (10_000, 10, "warning"), (10_000, 30, "bad"), (10_000, 0, "")],
    )
    def test_complaints_warn_from_where_mail_providers_mind(
        self, staff: Client, delivered: int, complained: int, tone: str
    ) -> None:
        figure(Measure.DELIVERED, delivered, channel="email")
        # nobody can complain about an SMS: it must not make the share look better
        figure(Measure.DELIVERED, 90_000, channel="sms")
        figure(Measure.COMPLAINED, complained, channel="email")
        tile = staff.get(INDEX).context["tiles"][-1]
        assert tile.tone == tone
        assert bool(tile.advice) == bool(tone)

    def test_an_empty_shop_is_told_so(self, staff: Client) -> None:
        page = staff.get(INDEX)
        assert page.status_code == 200
        assert not page.context["has_figures"]

    def test_days_that_are_not_summed_up_yet_are_told(self, staff: Client) -> None:
        figure(Measure.ABANDONED)
        RolledDay.objects.create(day=today() - DAY)
        assert staff.get(INDEX).context["state"]["waiting"] == 1


class TestTables:
    def test_every_dimension_has_its_table(self, staff: Client) -> None:
        campaign = make_campaign(channels=("email",))
        step = campaign.steps.get()
        variant = step.variants.get()
        Variant.objects.filter(pk=variant.pk).update(label="B")
        key = {
            "campaign_key": campaign.pk, "step_key": step.pk, "variant_key": variant.pk,
            "channel": "email", "language": "de",
        }  # fmt: skip
        figure(Measure.SENT, 10, **key)
        figure(Measure.CLICKED, 3, **key)
        names = {table.title: table.rows[0] for table in staff.get(INDEX).context["tables"]}
        assert next(iter(names.values()))[0] == "Kampagne"
        cells = [cells for _name, cells in names.values()]
        assert all(row == cells[0] for row in cells)
        assert cells[0][:2] == ["10", "3 (30\xa0%)"]
        assert "B, abandoned-basket-1" in list(names.values())[3][0]

    def test_what_was_deleted_is_still_there(self, staff: Client) -> None:
        figure(Measure.SENT, 3, campaign_key=999, step_key=998, variant_key=997, channel="email")
        figure(Measure.SENT, 2, channel="brieftaube", language="tlh")
        page = staff.get(INDEX)
        assert page.status_code == 200
        assert "999" in page.content.decode()
        assert "brieftaube" in page.content.decode()

    def test_a_name_is_shown_and_not_run(self, staff: Client) -> None:
        campaign = make_campaign()
        Campaign.objects.filter(pk=campaign.pk).update(name="<script>alert(1)</script>")
        figure(Measure.SENT, campaign_key=campaign.pk, language="<img src=x>", channel="<b>")
        html = staff.get(INDEX).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x>" not in html
        assert "&lt;script&gt;alert(1)" in html


class TestPeriods:
    TODAY = dt.date(2026, 6, 10)

    @pytest.mark.parametrize(
        "wish",
        [
            {"days": "8"}, {"days": "-7"}, {"days": "x" * 1_000_000}, {"days": "٧"},
            {"since": "2026-06-02", "until": "2026-06-01"},
            {"since": "2026-06-01", "until": "2026-06-11"},
            {"since": "2022-06-01", "until": "2026-06-01"},
            {"since": "2026-06-01"}, {"until": "2026-06-01"},
            {"since": "gestern", "until": "heute"}, {"since": "2026-02-30", "until": "2026-03-01"},
            {"since": "0001-01-01", "until": "0001-01-02"},
            {"since": "<script>", "until": "' OR 1=1"},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_told_and_thirty_days_show(
        self, staff: Client, wish: dict[str, str]
    ) -> None:
        asked = periods.read(wish, self.TODAY)
        assert asked.error
        assert asked.period == Period(dt.date(2026, 5, 12), self.TODAY)
        page = staff.get(INDEX, {name: text[:2000] for name, text in wish.items()})
        assert page.status_code == 200
        assert "<script>" not in page.content.decode().split("errornote")[-1].split("</form")[0]

    @pytest.mark.parametrize(
        ("wish", "since", "until", "preset"),
        [
            ({}, dt.date(2026, 5, 12), TODAY, 30),
            ({"days": "7"}, dt.date(2026, 6, 4), TODAY, 7),
            ({"since": "2024-06-10", "until": "2026-06-10"}, dt.date(2024, 6, 10), TODAY, None),
            ({"since": " 2026-06-10 ", "until": "2026-06-10"}, TODAY, TODAY, None),
        ],
    )
    def test_what_makes_sense_is_shown(
        self, wish: dict[str, str], since: dt.date, until: dt.date, preset: int | None
    ) -> None:
        asked = periods.read(wish, self.TODAY)
        assert (asked.period, asked.preset, asked.error) == (Period(since, until), preset, "")

    def test_two_years_are_drawn_by_weeks(self, staff: Client) -> None:
        figure(Measure.ABANDONED, 3, ago=700)
        since, until = today() - 729 * DAY, today()
        page = staff.get(INDEX, {"since": since.isoformat(), "until": until.isoformat()})
        chart = page.context["charts"][0]
        assert 104 <= len(chart.rows) <= 106
        assert sum(int(cells[0]) for _week, cells in chart.rows) == 3


class TestCharts:
    def chart(self, *values: list[int], as_bars: bool = False) -> charts.Chart:
        series = [charts.Series(str(v), v, [str(n) for n in v]) for v in values]
        return charts.draw(
            key="k", title="t", summary="s", heading="h", series=series, write=str, as_bars=as_bars,
            moments=[f"m{n}" for n in range(len(values[0]))],
        )  # fmt: skip

    @pytest.mark.parametrize("values", [[], [0], [5], [0, 0, 0], [1, 2], [3] * 400])
    def test_any_number_of_values_is_drawn(self, values: list[int]) -> None:
        for chart in (self.chart(values), self.chart(values, as_bars=True)):
            assert len(chart.rows) == len(values)
            for line in chart.lines:
                assert "nan" not in line.path + line.marks
            assert len(chart.bars) <= len(values)

    def test_no_two_series_look_the_same_without_colour(self) -> None:
        chart = self.chart([1, 2], [3, 4], [5, 6])
        shapes = {re.sub(r"[0-9.]+", "", sample.marks) for sample in chart.samples}
        assert len(shapes) == 3
        assert {line.number for line in chart.lines} == {1, 2, 3}

    @pytest.mark.parametrize(
        ("value", "end"), [(0, 2), (1, 2), (3, 4), (9, 10), (21, 40), (81, 100), (100, 200)]
    )
    def test_the_axis_ends_at_a_round_number(self, value: int, end: int) -> None:
        assert charts.round_up(value) == end or (value, end) == (100, 200)

    def test_coordinates_have_points_in_german(self, staff: Client) -> None:
        for ago in range(5):
            figure(Measure.ABANDONED, 1000 + ago, ago=ago)
        html = staff.get(INDEX, headers={"accept-language": "de"}).content.decode()
        for attribute in re.findall(r' (?:x|y|d|width|height)="([^"]*)"', html):
            assert "," not in attribute
        assert "1.004" in html


class TestRights:
    def clerk(self, *codenames: str) -> Any:
        user = make_user(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return user

    def test_who_may_not_see_reports_gets_the_lists_alone(self, client: Client) -> None:
        figure(Measure.ABANDONED, 4711)
        client.force_login(self.clerk("view_campaign"))
        html = client.get(INDEX).content.decode()
        assert "4.711" not in html and "4711" not in html
        assert reverse("admin:cart_recovery_campaign_changelist") in html
        assert client.get(reverse("admin:cart_recovery_dailyfigure_changelist")).status_code == 403
        assert client.get(reverse("admin:cart_recovery_dailyfigure_export")).status_code == 403

    def test_who_may_see_nothing_but_reports_gets_them(self, client: Client) -> None:
        figure(Measure.ABANDONED, 4711)
        client.force_login(self.clerk("view_dailyfigure"))
        for url in (INDEX, reverse("admin:cart_recovery_dailyfigure_changelist")):
            assert "4.711" in client.get(url, headers={"accept-language": "de"}).content.decode()
        assert client.get(reverse("admin:cart_recovery_dailyfigure_export")).status_code == 200

    def test_all_lists_can_be_reached(self, staff: Client) -> None:
        html = staff.get(INDEX).content.decode()
        from django.contrib import admin

        for model in admin.site._registry:
            if model._meta.app_label == "cart_recovery" and model is not DailyFigure:
                name = f"admin:cart_recovery_{model._meta.model_name}_changelist"
                assert f'href="{reverse(name)}"' in html, model


def test_queries_do_not_grow_with_the_history(staff: Client) -> None:
    def queries(**wish: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert staff.get(INDEX, wish).status_code == 200
        assert not any('FROM "cart_recovery_message"' in q["sql"] for q in found)
        return len(found)

    queries()
    before = queries(days="7")
    fill(90)
    assert queries(days="7") == before
    assert queries(days="90") == before
    since = (today() - 700 * DAY).isoformat()
    assert queries(since=since, until=today().isoformat()) == before


class TestFile:
    def url(self, **wish: str) -> tuple[str, dict[str, str]]:
        return reverse("admin:cart_recovery_dailyfigure_export"), wish

    def test_it_is_written_as_the_readers_spreadsheet_expects(self, staff: Client) -> None:
        campaign = make_campaign()
        Campaign.objects.filter(pk=campaign.pk).update(name='=HYPERLINK("http://x")')
        figure(Measure.COST, 3, "0.2475", campaign_key=campaign.pk, channel="sms", currency="EUR",
               language="de")  # fmt: skip
        figure(Measure.SENT, 3, ago=40)
        page = staff.get(*self.url(), headers={"accept-language": "de"})
        assert page["Content-Type"].startswith("text/csv")
        header, *rows = read_csv(page)
        assert len(header) == 10
        assert rows == [[
            today().isoformat(), str(Measure.COST.label), "'=HYPERLINK(\"http://x\")", "", "", "SMS",
            "Deutsch", "3", "0,2475", "EUR",
        ]]  # fmt: skip
        page = staff.get(*self.url(days="90"), headers={"accept-language": "en"})
        assert len(read_csv(page, ",")) == 3

    def test_it_is_streamed_in_constant_queries(self, staff: Client) -> None:
        fill(60)
        with CaptureQueriesContext(connection) as found:
            page = staff.get(*self.url(days="90"))
            assert page.streaming
            assert len(read_csv(page)) == DailyFigure.objects.count() + 1
        assert len(found) <= 9

    def test_a_wish_that_makes_no_sense_leads_back(self, staff: Client) -> None:
        page = staff.get(*self.url(since="x", until="y"))
        assert page.status_code == 302
        assert page["Location"] == f"{INDEX}?since=x&until=y"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
class TestInTheBrowser:
    def test_an_analyst_reads_the_figures(self, desk: Desk) -> None:
        fill()
        page = desk.open(INDEX)
        desk.assert_accessible(page)
        page.get_by_role("link", name="7", exact=False).first.click()
        page.wait_for_url("**days=7")
        # a table stands behind each chart
        charts_shown = page.locator(".cr-chart")
        assert charts_shown.count() == 3
        charts_shown.first.locator("summary").click()
        assert charts_shown.first.locator("tbody tr").count() == 7
        desk.assert_accessible(page)
        desk.look(page, "dashboard")
        with page.expect_download() as download:
            page.locator("a[href*='export']").click()
        assert download.value.suggested_filename.startswith("cart-recovery-")

    def test_by_keyboard_alone(self, desk: Desk) -> None:
        fill()
        # Chromium's own date fields are American, whatever the page is
        page = desk.open(INDEX, locale="en-US")
        since, until = today() - 9 * DAY, today() - 3 * DAY
        page.locator("input[name=since]").focus()
        page.keyboard.type(f"{since:%m%d%Y}")
        page.keyboard.press("Tab")
        # the calendar button of the field comes before the next one
        while page.evaluate("document.activeElement.name") != "until":
            page.keyboard.press("Tab")
        page.keyboard.type(f"{until:%m%d%Y}")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**since={since}&until={until}")
        for _n in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.tagName") == "SUMMARY":
                break
        page.keyboard.press("Enter")
        assert page.locator("details[open] tbody tr").count() == 7

    def test_a_wrong_wish_is_told_in_words(self, desk: Desk) -> None:
        page = desk.open(f"{INDEX}?since=2026-02-02&until=2026-01-01", locale="en-GB")
        assert "first day lies after" in page.get_by_role("alert").inner_text()
        assert page.locator("input[name=since]").input_value() == "2026-02-02"
        desk.assert_accessible(page)

    def test_it_is_dark_where_the_reader_likes_it_dark(self, desk: Desk) -> None:
        fill(10)
        page = desk.open(INDEX, color_scheme="dark", viewport={"width": 375, "height": 800})
        desk.assert_accessible(page)


def test_each_list_has_its_place_on_the_index_page() -> None:
    ours = {model.__name__ for model in site._registry if model._meta.app_label == "cart_recovery"}
    grouped = [name for _title, names in GROUPS for name in names]
    assert sorted(grouped) == sorted(ours - {SHOWN})
