"""What holds requests back, what tokens are made for, and who is heard before the public."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.conf import conf
from cart_recovery.reviews.links import (
    ReviewRequest,
    create_review_tokens,
    rating_urls,
    review_url,
)
from cart_recovery.reviews.standing import complaints_about, reviewed_lines
from tests import factories
from tests.pages import words
from tests.reviews import kit

pytestmark = pytest.mark.django_db


class TestTokens:
    def test_are_made_in_one_insert_and_kept_as_hashes(self) -> None:
        order = kit.make_order()
        contact = factories.make_contact()
        items = [ReviewRequest(contact.pk, order.pk, (order.lines.get().pk,), None)] * 50
        with CaptureQueriesContext(connection) as queries:
            tokens = create_review_tokens(items, timezone.now())
        assert len([q for q in queries if q["sql"].startswith("INSERT")]) <= 50
        assert len(set(tokens)) == 50
        stored = str(list(models.ReviewLink.objects.values()))
        assert [token for token in tokens if token in stored] == []

    def test_lead_to_the_page_in_the_shop(self) -> None:
        assert (
            review_url("abcdefghijkl", "de") == "https://shop.example/recovery/review/abcdefghijkl"
        )
        urls = rating_urls("abcdefghijkl", "de")
        assert [score for score, _url in urls] == [1, 2, 3, 4, 5, 6]
        assert urls[1][1] == review_url("abcdefghijkl", "de") + "?score=2"

    def test_work_as_long_as_the_shop_says(self, settings: Any) -> None:
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY, "REVIEW_LINK_LIFETIME": dt.timedelta(days=5)
        }  # fmt: skip
        kit.make_link(kit.make_order())
        link = models.ReviewLink.objects.get()
        assert link.expires_at - link.created_at == dt.timedelta(days=5)


class TestScale:
    def configure(self, settings: Any, **values: Any) -> None:
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, **values}

    def test_low_is_the_worse_half_unless_the_shop_says_otherwise(self, settings: Any) -> None:
        assert conf.RATING_LOW == (4, 5, 6)
        self.configure(settings, RATING_SCALE={"best": 5, "worst": 1})
        assert conf.RATING_LOW == (1, 2)
        assert [score for score, _url in rating_urls("abcdefghijkl", "")] == [5, 4, 3, 2, 1]
        self.configure(settings, RATING_LOW=[3, 2, 1])
        assert conf.RATING_LOW == (3, 2, 1)

    @pytest.mark.parametrize(
        "values",
        [{"RATING_SCALE": {"best": 1}}, {"RATING_SCALE": {"best": 1, "worst": 1}},
         {"RATING_SCALE": {"best": "1", "worst": 6}}, {"RATING_LOW": [9]},
         {"RATING_SCALE": {"best": 1, "worst": 60}}],
    )  # fmt: skip
    def test_nonsense_is_named(self, settings: Any, values: dict[str, Any]) -> None:
        self.configure(settings, **values)
        with pytest.raises(ImproperlyConfigured, match="RATING_"):
            _ = conf.RATING_LOW

    def test_page_takes_the_shop_s_scale(self, client: Client, settings: Any) -> None:
        self.configure(settings, RATING_SCALE={"best": 5, "worst": 1})
        token = kit.make_link(kit.make_order())
        assert kit.send(client, token, {"rating-score": "6"}).status_code == 400
        kit.send(client, token, {"rating-score": "1"})
        assert models.ServiceRating.objects.get().is_low
        assert models.StaffTask.objects.count() == 1


class TestStanding:
    def test_lines_that_were_reviewed_here_or_in_the_shop(self, client: Client) -> None:
        user = factories.make_user()
        ours, theirs, none = kit.make_order(), kit.make_order(user=user), kit.make_order(user=user)
        kit.send(client, kit.make_link(ours), kit.fields(ours.lines.get()))
        get_model("reviews", "ProductReview").objects.create(
            product=theirs.lines.get().product, user=user, score=5, title="x", body="y"
        )
        keys = [order.lines.get().pk for order in (ours, theirs, none)]
        with CaptureQueriesContext(connection) as queries:
            assert reviewed_lines(keys) == set(keys[:2])
        assert len(queries) <= 3
        assert reviewed_lines([]) == set()

    def test_guest_s_review_on_the_shop_s_page_counts_by_its_address(self) -> None:
        order, other = (kit.make_order(email=f"{who}@example.de") for who in ("eva", "max"))
        products = [order.lines.get().product, other.lines.get().product]
        written = get_model("reviews", "ProductReview").objects
        for product in products:
            written.create(
                product=product, name="Eva", email="Eva@Example.DE", score=5, title="x", body="y"
            )
        keys = [made.lines.get().pk for made in (order, other)]
        assert reviewed_lines(keys) == {keys[0]}
        # an account's review is the account's, whatever address somebody typed into it
        user = factories.make_user("anna@example.de")
        written.create(
            product=products[1], user=user, email="max@example.de", score=5, title="x", body="y"
        )
        assert reviewed_lines(keys) == {keys[0]}

    def test_complaint_stands_until_somebody_has_looked_after_it(
        self, client: Client, admin_client: Client
    ) -> None:
        order = kit.make_order()
        kit.send(client, kit.make_link(order), {"rating-score": "6", "rating-comment": "Kaputt"})
        assert complaints_about([order.pk]) == {order.pk}
        task = models.StaffTask.objects.get()
        path = f"/admin/cart_recovery/stafftask/{task.pk}/close/"
        assert "Kaputt" in admin_client.get(path).content.decode()
        assert admin_client.post(path, {"note": ""}).status_code == 200
        assert complaints_about([order.pk]) == {order.pk}
        assert admin_client.post(path, {"note": "Ersatz geschickt"}).status_code == 302
        task.refresh_from_db()
        assert (task.note, task.closed_by is not None) == ("Ersatz geschickt", True)
        assert complaints_about([order.pk]) == set()

    def test_review_of_an_unhappy_customer_is_read_by_staff_first(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        kit.send(client, token, {"rating-score": "6"}, kit.fields(order.lines.get(), score="1"))
        (review,) = kit.reviews()
        assert review.status == review.FOR_MODERATION

    def test_review_before_the_low_rating_stays_as_it_is(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        kit.send(client, token, kit.fields(order.lines.get()))
        kit.send(client, token, {"rating-score": "6"})
        assert kit.reviews()[0].status == kit.reviews()[0].APPROVED

    def test_what_an_unhappy_customer_changes_is_read_by_staff_first(self, client: Client) -> None:
        order = kit.make_order()
        token, line = kit.make_link(order), order.lines.get()
        kit.send(client, token, kit.fields(line))
        kit.send(client, token, kit.fields(line, body="Nie wieder"), {"rating-score": "6"})
        (review,) = kit.reviews()
        assert (review.body, review.status) == ("Nie wieder", review.FOR_MODERATION)
        # the page says so, and does not promise to publish at once
        page = words(client.get(kit.path_of(token)))
        assert "sofort veröffentlicht" not in page
        review.status = review.APPROVED
        review.save()
        kit.send(client, token, kit.fields(line, body="Ganz anders"))
        assert [r.body for r in kit.reviews()] == ["Nie wieder"]

    def test_what_staff_have_decided_on_stays_as_it_is(self, client: Client) -> None:
        order = kit.make_order()
        token, line = kit.make_link(order), order.lines.get()
        kit.send(client, token, kit.fields(line), {"rating-score": "6"})
        # while it waits it can be changed
        kit.send(client, token, kit.fields(line, title="Besser gesagt"))
        (review,) = kit.reviews()
        assert (review.title, review.status) == ("Besser gesagt", review.FOR_MODERATION)
        review.status = review.APPROVED
        review.save()
        models.StaffTask.objects.update(closed_at=timezone.now())
        answer = kit.send(client, token, kit.fields(line, title="Betrug!"))
        assert [r.title for r in kit.reviews()] == ["Besser gesagt"]
        assert "Betrug!" in words(answer)

    def test_rating_can_be_changed_for_a_day(self, client: Client) -> None:
        token = kit.make_link(kit.make_order())
        kit.send(client, token, {"rating-score": "6"})
        kit.send(client, token, {"rating-score": "2"})
        rating = models.ServiceRating.objects.get()
        assert (rating.score, models.StaffTask.objects.get().closed_at is not None) == (2, True)
        models.ServiceRating.objects.update(rated_at=timezone.now() - dt.timedelta(days=1))
        answer = kit.send(client, token, {"rating-score": "5"})
        rating.refresh_from_db()
        assert (answer.status_code, rating.score) == (200, 2)


class TestMarks:
    def test_verified_purchases_cost_one_query_for_a_page(self, client: Client) -> None:
        product = factories.make_product()
        for _n in range(3):
            order = kit.make_order(product)
            kit.send(client, kit.make_link(order), kit.fields(order.lines.get()))
        get_model("reviews", "ProductReview").objects.create(
            product=product, score=5, title="x", body="y", name="n", email="a@example.de"
        )
        template = Template(
            "{% load cart_recovery %}{% for r in reviews %}{% recovery_is_verified r as it %}"
            "{% if it %}+{% else %}-{% endif %}{% endfor %}"
        )
        rows = get_model("reviews", "ProductReview").objects.order_by("pk")
        with CaptureQueriesContext(connection) as queries:
            assert template.render(Context({"reviews": rows})) == "+++-"
        assert len(queries) == 2
        listed = Template(
            "{% load cart_recovery %}{% for r in rows|verified_reviews %}"
            "{% recovery_review_mark r %}{% endfor %}"
        )
        with CaptureQueriesContext(connection) as queries:
            assert listed.render(Context({"rows": rows.all()})).count("✔") == 3
        assert len(queries) == 2
