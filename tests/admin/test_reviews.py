"""What staff see of reviews and ratings: what came of the requests, what waits, what is to be done."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.reports.dashboard import Period
from cart_recovery.reports.reviews import load_results
from tests.admin.desk import Desk
from tests.factories import make_product, make_user
from tests.incentives.test_granting import make_incentive
from tests.reviews import kit

RESULTS = "admin:cart_recovery_linereview_results"
QUEUE = "admin:cart_recovery_linereview_queue"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


def asked(product: Any, *, channel: str = "email", days: int = 3, **said: Any) -> Any:
    """The order of somebody who was asked about a product, and what they said if anything."""
    order = kit.make_order(product)
    followup = kit.make_request(order, channel=channel, delays=(dt.timedelta(days=days),))
    token = kit.make_link(order, followup=followup)
    now = timezone.now()
    models.Message.objects.create(
        followup=followup, contact=followup.enrolment.contact, channel=channel, language="de",
        state=models.MessageState.SENT, sending_at=now, sent_at=now, created_at=now,
    )  # fmt: skip
    if said:
        rating = said.pop("rating", None)
        parts = [kit.fields(order.lines.get(), **said)] if said else []
        parts += [{"rating-score": str(rating)}] if rating else []
        kit.send(Client(), token, *parts)
    return order


def today() -> Period:
    day = timezone.localdate()
    return Period(day, day)


@pytest.mark.django_db
class TestResults:
    def test_tell_products_ways_and_ratings(self) -> None:
        pot, cup = make_product("Kanne"), make_product("Tasse")
        asked(pot, score="5", rating=1)
        asked(pot, score="2", rating=6)
        asked(pot, channel="sms", days=7)
        asked(cup)
        found = load_results(today())
        assert [(p.title, p.asked, p.reviewed, str(p.stars)) for p in found.products] == [
            ("Kanne", 3, 2, "3.5"), ("Tasse", 1, 0, "None"),
        ]  # fmt: skip
        assert [(w.channel, w.delay.days, w.asked, w.answered) for w in found.ways] == [
            ("email", 3, 3, 2), ("sms", 7, 1, 0),
        ]  # fmt: skip
        (school,) = found.scales
        assert (school.ratings, str(school.average)) == ({1: 1, 6: 1}, "3.50")

    def test_count_what_happened_in_the_period(self) -> None:
        asked(make_product(), score="5", rating=1)
        before = timezone.localdate() - dt.timedelta(days=3)
        found = load_results(Period(before, before))
        assert (found.products, found.ways, found.scales) == ([], [], [])

    def test_reminder_asks_about_the_same_line(self) -> None:
        order = asked(make_product("Kanne"))
        kit.make_link(order, followup=models.FollowUp.objects.get())
        assert [p.asked for p in load_results(today()).products] == [1]

    def test_request_that_was_refused_first_counts_once(self) -> None:
        asked(make_product("Kanne"))
        token = kit.make_link(kit.make_order(), followup=models.FollowUp.objects.get())
        kit.send(Client(), token, {"rating-score": "1"})
        (way,) = load_results(today()).ways
        assert (way.asked, way.answered) == (1, 1)

    def test_request_that_never_left_asked_nobody(self) -> None:
        asked(make_product("Kanne"))
        models.Message.objects.update(sent_at=None, state=models.MessageState.FAILED)
        found = load_results(today())
        assert (found.ways, found.products) == ([], [])

    def test_each_scale_is_counted_by_itself(self, staff: Client, settings: Any) -> None:
        asked(make_product(), rating=1)
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY, "RATING_SCALE": {"best": 5, "worst": 1}
        }  # fmt: skip
        asked(make_product(), rating=5)
        assert [(s.best, s.ratings, str(s.average)) for s in load_results(today()).scales] == [
            (5, {5: 1}, "5.00"), (1, {1: 1}, "1.00"),
        ]  # fmt: skip
        # the best of the scale that the shop had before is no complaint
        assert [r.is_low for r in models.ServiceRating.objects.all()] == [False, False]
        page = staff.get(reverse(RESULTS)).content.decode()
        assert page.count('<ol class="cr-grades">') == 2

    def test_page_says_what_is_wrong_with_a_period(self, staff: Client) -> None:
        page = staff.get(reverse(RESULTS), {"since": "2026-13-01", "until": "x"})
        assert (page.status_code, b"errornote" in page.content) == (200, True)

    def test_page_takes_the_same_queries_for_much_and_little(
        self, staff: Client, django_assert_max_num_queries: Any
    ) -> None:
        for _n in range(5):
            asked(make_product(), score="4", rating=2)
        with django_assert_max_num_queries(25):
            assert staff.get(reverse(RESULTS)).status_code == 200


@pytest.mark.django_db
class TestQueue:
    @pytest.fixture(autouse=True)
    def _moderated(self, settings: Any) -> None:
        settings.OSCAR_MODERATE_REVIEWS = True

    def test_leads_into_oscar_s_dashboard(self, staff: Client) -> None:
        asked(make_product("Kanne"), title="Warte noch", rating=6)
        (review,) = kit.reviews()
        path = reverse("dashboard:reviews-update", kwargs={"pk": review.pk})
        page = staff.get(reverse(QUEUE)).content.decode()
        assert ("Warte noch" in page, f'href="{path}"' in page) == (True, True)
        assert staff.get(path).status_code == 200
        review.status = review.APPROVED
        review.save()
        assert "Warte noch" not in staff.get(reverse(QUEUE)).content.decode()

    def test_shows_no_way_to_who_may_not_decide(self, client: Client) -> None:
        asked(make_product(), title="Warte noch")
        clerk = make_user(is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_linereview"))
        client.force_login(clerk)
        page = client.get(reverse(QUEUE)).content.decode()
        assert "Warte noch" in page
        path = reverse("dashboard:reviews-update", kwargs={"pk": kit.reviews()[0].pk})
        assert path not in page
        row = models.LineReview.objects.get()
        for name, args in (("changelist", ()), ("change", (row.pk,))):
            page = client.get(
                reverse(f"admin:cart_recovery_linereview_{name}", args=args)
            ).content.decode()
            assert ("Warte noch" in page, path in page) == (True, False)

    def test_file_names_each_column_in_the_language_of_staff(self, staff: Client) -> None:
        asked(make_product("Kanne"), title="Warte noch", score="4")
        answer = staff.get(reverse("admin:cart_recovery_linereview_export"))
        head, row = b"".join(answer.streaming_content).decode().lstrip("\ufeff").splitlines()
        names = head.split(",") if "," in head else head.split(";")
        assert len(set(names)) == len(names)
        assert {"Produkt", "Sterne", "Überschrift", "Status"} <= set(names)
        assert ("Kanne" in row, "Requires" in row, "wartet auf Prüfung" in row) == (
            True,
            False,
            True,
        )


@pytest.mark.django_db
def test_comments_are_masked_for_who_may_not_see_persons(client: Client) -> None:
    order = kit.make_order()
    kit.send(
        Client(), kit.make_link(order),
        {"rating-score": "6", "rating-comment": "Rufen Sie Erika an"},
    )  # fmt: skip
    task = models.StaffTask.objects.get()
    clerk = make_user(is_staff=True)
    for codename in ("view_servicerating", "view_stafftask", "change_stafftask"):
        clerk.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(clerk)
    for path in (
        reverse("admin:cart_recovery_servicerating_changelist"),
        reverse("admin:cart_recovery_servicerating_export"),
        reverse("admin:cart_recovery_stafftask_changelist") + "?state=open",
        reverse("admin:cart_recovery_stafftask_change", args=[task.pk]),
        reverse("admin:cart_recovery_stafftask_close", args=[task.pk]),
    ):
        answer = client.get(path)
        text = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code == 200
        assert b"Erika" not in text, path


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_pages_can_be_used_and_read(desk: Desk, settings: Any) -> None:
    settings.OSCAR_MODERATE_REVIEWS = True
    models.Campaign.objects.all().delete()
    for n, title in enumerate(("Teekanne", "Tasse", "Ein Sieb mit einem sehr langen Namen")):
        product = make_product(title)
        for score in range(1, 4 + n):
            asked(product, channel=("email", "sms")[score % 2], score=str(score), rating=score)
    models.Campaign.objects.filter(pk__gt=models.Campaign.objects.earliest("pk").pk + 2).delete()
    campaign = models.Campaign.objects.earliest("pk")
    campaign.thanks = make_incentive()
    campaign.save()
    page = desk.open(reverse(RESULTS))
    desk.assert_accessible(page)
    desk.look(page, "review-results")
    page.goto(desk.base_url + reverse(QUEUE))
    desk.assert_accessible(page)
    desk.look(page, "review-queue")
    page.goto(desk.base_url + reverse("admin:cart_recovery_stafftask_changelist") + "?state=open")
    desk.assert_accessible(page)
    desk.look(page, "tasks")
    desk.follow(page, "#result_list th a")
    desk.look(page, "task")
    desk.follow(page, ".object-tools a[href$='/close/']")
    desk.assert_accessible(page)
    desk.look(page, "task-close")
    page.fill("textarea", "Ersatz geschickt")
    page.click("input[type=submit]")
    page.wait_for_selector(".messagelist .success")
    assert models.StaffTask.objects.filter(closed_at__isnull=False).count() == 1
    for name in ("servicerating", "linereview", "reviewlink"):
        page.goto(desk.base_url + reverse(f"admin:cart_recovery_{name}_changelist"))
        desk.assert_accessible(page)
        desk.look(page, name)
    assert get_model("reviews", "ProductReview").objects.exists()
