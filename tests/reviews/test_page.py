"""The review page: what it shows, what it takes, what it refuses, and that nothing is lost."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_class, get_model

from cart_recovery import models
from tests import factories
from tests.pages import words
from tests.reviews import kit

pytestmark = pytest.mark.django_db
WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture
def moderated(settings: Any) -> None:
    settings.OSCAR_MODERATE_REVIEWS = True


class TestLooking:
    def test_page_names_the_goods_and_nobody(self, client: Client) -> None:
        user = factories.make_user("erika@example.de", first_name="Erika", last_name="Gabler")
        order = kit.make_order(factories.make_product("Kanne", price="77.31"), user=user)
        page = client.get(kit.path_of(kit.make_link(order)))
        assert (page.status_code, "Kanne" in words(page)) == (200, True)
        told = ("Erika", "Gabler", "erika", "77.31", "77,31", order.number, "example.de")
        assert [word for word in told if word in page.content.decode()] == []

    def test_looking_writes_nothing_and_rates_nothing(self, client: Client) -> None:
        token = kit.make_link(kit.make_order())
        with CaptureQueriesContext(connection) as queries:
            for path in (kit.path_of(token), kit.path_of(token, "?score=2")):
                assert client.get(path).status_code == 200
                assert client.head(path).status_code == 200
        assert [q["sql"] for q in queries if q["sql"].lstrip().upper().startswith(WRITES)] == []

    def test_tapped_rating_is_chosen_already(self, client: Client) -> None:
        token = kit.make_link(kit.make_order())
        page = client.get(kit.path_of(token, "?score=2")).content.decode()
        assert '<input type="radio" name="rating-score" value="2" checked>' in page
        assert "checked" not in client.get(kit.path_of(token, "?score=99")).content.decode()

    def test_answer_is_kept_by_nobody_and_found_by_no_search_engine(self, client: Client) -> None:
        page = client.get(kit.path_of(kit.make_link(kit.make_order())))
        assert page["Cache-Control"] == "no-store"
        assert "noindex" in page["X-Robots-Tag"]
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Frame-Options"] == "DENY"
        assert page["Content-Language"] == "de"

    def test_page_speaks_the_language_of_the_order(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        models.TrackedOrder.objects.update(language="en")
        assert client.get(kit.path_of(token))["Content-Language"] == "en"
        client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = "de"
        assert client.get(kit.path_of(token))["Content-Language"] == "de"

    def test_queries_do_not_grow_with_what_was_reviewed(self, client: Client) -> None:
        def run(count: int) -> int:
            order = kit.make_order(*[factories.make_product() for _n in range(count)])
            token = kit.make_link(order)
            kit.send(client, token, *[kit.fields(line) for line in order.lines.all()])
            with CaptureQueriesContext(connection) as queries:
                assert client.get(kit.path_of(token)).status_code == 200
            return len(queries)

        assert run(1) == run(6)


class TestWriting:
    def test_guest_writes_a_review_of_oscar_s(self, client: Client) -> None:
        order = kit.make_order()
        (line,) = order.lines.all()
        answer = kit.send(client, kit.make_link(order), kit.fields(line, name="  "))
        assert answer.status_code == 200
        (review,) = kit.reviews()
        assert (review.product, review.user, review.score) == (line.product, None, 4)
        assert (review.title, review.body) == ("Gut", "Hält den Tee lange warm.")
        assert review.email == order.guest_email
        assert "gast" not in review.name
        assert review.name
        assert review.status == review.APPROVED
        line.product.refresh_from_db()
        assert line.product.rating == 4
        row = models.LineReview.objects.get()
        assert (row.line, row.order, row.review_id) == (line, order, review.pk)
        assert models.ReviewLink.objects.get().answered_at is not None

    def test_name_is_what_the_guest_typed(self, client: Client) -> None:
        order = kit.make_order()
        kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), name="Tina aus Köln"))
        assert kit.reviews()[0].reviewer_name == "Tina aus Köln"

    def test_name_of_a_guest_who_gives_none_is_in_the_shop_s_language(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        models.TrackedOrder.objects.update(language="en")
        kit.send(client, token, kit.fields(order.lines.get()))
        assert kit.reviews()[0].name == "Geprüfter Kauf"

    def test_user_of_the_order_is_the_author_whoever_opens_the_link(self, client: Client) -> None:
        user = factories.make_user()
        client.force_login(factories.make_user())
        order = kit.make_order(user=user)
        kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), name="x"))
        assert (kit.reviews()[0].user, kit.reviews()[0].email) == (user, "")

    @pytest.mark.usefixtures("moderated")
    def test_review_waits_for_moderation_and_can_be_changed_until_then(
        self, client: Client
    ) -> None:
        order = kit.make_order()
        token, line = kit.make_link(order), order.lines.get()
        kit.send(client, token, kit.fields(line))
        assert kit.reviews()[0].status == 0
        assert "Gut" in client.get(kit.path_of(token)).content.decode()
        kit.send(client, token, kit.fields(line, score="1", title="Doch nicht"))
        (review,) = kit.reviews()
        assert (review.score, review.title, review.status) == (1, "Doch nicht", 0)
        review.status = review.APPROVED
        review.save()
        answer = kit.send(client, token, kit.fields(line, title="Zu spät", body="Ein Text."))
        assert kit.reviews()[0].title == "Doch nicht"
        assert "Ein Text." in words(answer)

    def test_what_is_published_at_once_can_be_changed_for_half_an_hour(
        self, client: Client
    ) -> None:
        order = kit.make_order()
        token, line = kit.make_link(order), order.lines.get()
        kit.send(client, token, kit.fields(line))
        kit.send(client, token, kit.fields(line, title="Besser gesagt"))
        assert kit.reviews()[0].title == "Besser gesagt"
        get_model("reviews", "ProductReview").objects.update(
            date_created=timezone.now() - dt.timedelta(minutes=31)
        )
        kit.send(client, token, kit.fields(line, title="Ganz anders"))
        assert [r.title for r in kit.reviews()] == ["Besser gesagt"]

    def test_each_product_is_saved_by_itself(self, client: Client) -> None:
        order = kit.make_order(*[factories.make_product(t) for t in ("Kanne", "Tasse", "Sieb")])
        pot, cup, _sieve = order.lines.order_by("pk")
        answer = kit.send(
            client, kit.make_link(order), kit.fields(pot), kit.fields(cup, title="", body="Schön!")
        )
        assert [r.product.title for r in kit.reviews()] == ["Kanne"]
        page = answer.content.decode()
        assert "Schön!" in page
        assert f'id="recovery-line-{cup.pk}-title-error"' in page

    def test_variants_of_a_product_are_reviewed_once_where_shoppers_look(
        self, client: Client
    ) -> None:
        parent = factories.make_product("Hemd", price=None, structure="parent")
        children = [factories.make_product(f"Hemd {n}") for n in ("rot", "blau")]
        order = kit.make_order(*children)
        for child in children:
            child.structure, child.parent, child.product_class = "child", parent, None
            child.save()
        first, second = order.lines.order_by("pk")
        token = kit.make_link(order)
        assert f"line-{second.pk}-" not in client.get(kit.path_of(token)).content.decode()
        kit.send(client, token, kit.fields(first))
        (review,) = kit.reviews()
        assert review.product == parent
        assert models.LineReview.objects.filter(review=review).count() == 2

    def test_review_of_another_parcel_of_the_same_product_is_the_same(self, client: Client) -> None:
        parent = factories.make_product("Hemd", price=None, structure="parent")
        children = [factories.make_product(f"Hemd {n}") for n in ("rot", "blau")]
        order = kit.make_order(*children)
        for child in children:
            child.structure, child.parent, child.product_class = "child", parent, None
            child.save()
        first, second = order.lines.order_by("pk")
        followup = kit.make_request(order)
        kit.send(client, kit.make_link(order, first, followup=followup), kit.fields(first))
        later = kit.make_link(order, second, followup=followup)
        kit.send(client, later, kit.fields(second, title="Beide gut"))
        assert [r.title for r in kit.reviews()] == ["Beide gut"]

    def test_review_from_the_shop_s_own_page_is_the_one_that_is_changed(
        self, client: Client, settings: Any
    ) -> None:
        settings.OSCAR_MODERATE_REVIEWS = True
        user = factories.make_user()
        order = kit.make_order(user=user)
        line = order.lines.get()
        get_model("reviews", "ProductReview").objects.create(
            product=line.product, user=user, score=5, title="Früher", body="Vom Shop aus"
        )
        token = kit.make_link(order)
        assert "Vom Shop aus" in client.get(kit.path_of(token)).content.decode()
        kit.send(client, token, kit.fields(line, title="Jetzt"))
        assert [r.title for r in kit.reviews()] == ["Jetzt"]
        assert models.LineReview.objects.get().review_id == kit.reviews()[0].pk

    def test_oscar_s_signal_is_sent_once_and_its_receivers_break_nothing(
        self, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        heard: list[Any] = []

        def listen(sender: Any, review: Any, user: Any, request: Any, response: Any, **kw: Any):
            heard.append((review.title, user.is_authenticated, response.status_code))
            raise ValueError("nobody reads this")

        review_added = get_class("catalogue.reviews.signals", "review_added")
        review_added.connect(listen)
        try:
            order = kit.make_order()
            token, line = kit.make_link(order), order.lines.get()
            for title in ("Eins", "Zwei"):
                with django_capture_on_commit_callbacks(execute=True):
                    kit.send(client, token, kit.fields(line, title=title))
        finally:
            review_added.disconnect(listen)
        assert heard == [("Eins", False, 200)]

    def test_rating_can_come_with_the_review_and_by_itself(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        kit.send(client, token, {"rating-score": "2", "rating-comment": "Flott"}, query="?score=2")
        rating = models.ServiceRating.objects.get()
        assert (rating.score, rating.comment, rating.source) == (2, "Flott", "mail")
        assert (rating.best, rating.worst, rating.is_low) == (1, 6, False)
        kit.send(client, token, {"rating-score": "5"}, kit.fields(order.lines.get()))
        rating.refresh_from_db()
        assert (rating.score, rating.is_low, rating.source) == (5, True, "mail")
        assert len(kit.reviews()) == 1


class TestWhatIsRefused:
    def test_unknown_tampered_and_expired_tokens(self, client: Client) -> None:
        token = kit.make_link(kit.make_order())
        tampered = ("A" if token[0] != "A" else "B") + token[1:]
        answers = {
            name: client.get(kit.path_of(text)) for name, text in {
                "tampered": tampered, "unknown": "x" * 12, "cut": token[:8], "long": token + "abc",
            }.items()
        }  # fmt: skip
        assert {a.status_code for a in answers.values()} == {404}
        assert len({a.content for a in answers.values()}) == 1
        assert client.post(kit.path_of(tampered), {}).status_code == 404
        assert client.get(kit.path_of(token + ").")).status_code == 200
        models.ReviewLink.objects.update(expires_at=timezone.now() - dt.timedelta(hours=3))
        page = client.get(kit.path_of(token))
        assert (page.status_code, 'href="/"' in page.content.decode()) == (410, True)
        assert client.post(kit.path_of(token), {"rating-score": "1"}).status_code == 410
        assert not models.ServiceRating.objects.exists()

    def test_what_was_begun_in_time_can_be_sent(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        models.ReviewLink.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=5))
        assert kit.send(client, token, kit.fields(order.lines.get())).status_code == 200

    def test_token_of_a_restore_link_opens_nothing(self, client: Client) -> None:
        from tests.restore_links import kit as restore

        basket = factories.make_basket(factories.make_product())
        assert client.get(kit.path_of(restore.make_link(basket))).status_code == 404

    def test_line_of_another_order(self, client: Client) -> None:
        order, other = kit.make_order(), kit.make_order(email="andere@example.de")
        token, line = kit.make_link(order), order.lines.get()
        answer = kit.send(client, token, kit.fields(line), kit.fields(other.lines.get()))
        assert answer.status_code == 400
        assert "Hält den Tee" in words(answer)
        assert kit.reviews() == []

    def test_line_of_the_order_that_the_link_is_not_for(self, client: Client) -> None:
        order = kit.make_order(factories.make_product("Kanne"), factories.make_product("Tasse"))
        pot, cup = order.lines.order_by("pk")
        token = kit.make_link(order, pot)
        assert "Tasse" not in client.get(kit.path_of(token)).content.decode()
        assert kit.send(client, token, kit.fields(cup)).status_code == 400
        assert kit.reviews() == []

    @pytest.mark.parametrize("markup", ["<script>alert(1)</script>", '"><img src=x onerror=a()>'])
    def test_markup_is_text_wherever_it_shows(
        self, client: Client, admin_client: Client, markup: str, settings: Any
    ) -> None:
        settings.OSCAR_MODERATE_REVIEWS = True
        order = kit.make_order()
        line = order.lines.get()
        data = kit.fields(line, title=markup, body=markup, name=markup)
        token = kit.make_link(order)
        pages = [
            kit.send(client, token, {**data, f"line-{line.pk}-score": ""}),
            kit.send(client, token, data, {"rating-score": "6", "rating-comment": markup}),
            client.get(kit.path_of(token)),
        ]
        review = kit.reviews()[0]
        assert (review.title, review.body, review.name) == (markup,) * 3
        review.status = review.APPROVED
        review.save()
        pages.append(client.get(line.product.get_absolute_url()))
        admin = "/admin/cart_recovery/"
        row, rating = models.LineReview.objects.get(), models.ServiceRating.objects.get()
        task = models.StaffTask.objects.get()
        for path in (
            "linereview/", f"linereview/{row.pk}/change/", "linereview/queue/",
            "linereview/results/", "servicerating/", f"servicerating/{rating.pk}/change/",
            "stafftask/", f"stafftask/{task.pk}/change/", f"stafftask/{task.pk}/close/",
        ):  # fmt: skip
            page = admin_client.get(admin + path)
            assert page.status_code == 200, path
            pages.append(page)
        assert [p.request["PATH_INFO"] for p in pages if markup in p.content.decode()] == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [("score", "6"), ("score", "0"), ("score", "x"), ("title", " "), ("body", ""),
         ("title", "x" * 256), ("body", "x" * 10_001), ("name", "n" * 256), ("title", "a\x00b")],
    )  # fmt: skip
    def test_what_is_wrong_is_named_and_the_rest_kept(
        self, client: Client, name: str, value: str
    ) -> None:
        order = kit.make_order()
        line = order.lines.get()
        answer = kit.send(client, kit.make_link(order), kit.fields(line, **{name: value}))
        assert answer.status_code == 400
        assert 'class="cr-error"' in answer.content.decode()
        if name != "body":
            assert "Hält den Tee" in words(answer)
        assert kit.reviews() == []

    def test_empty_form_is_no_mistake_and_no_thanks(self, client: Client) -> None:
        answer = kit.send(client, kit.make_link(kit.make_order()))
        assert answer.status_code == 400
        assert not models.ServiceRating.objects.exists()

    def test_link_is_all_that_is_needed_and_no_cookie(self) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        client = Client(enforce_csrf_checks=True)
        assert not client.get(kit.path_of(token)).cookies
        answer = kit.send(client, token, kit.fields(order.lines.get()))
        assert (answer.status_code, bool(answer.cookies), len(kit.reviews())) == (200, False, 1)

    @pytest.mark.parametrize("name", ["title", "body"])
    def test_what_shows_nothing_is_nothing(self, client: Client, name: str) -> None:
        order = kit.make_order()
        typed = kit.fields(order.lines.get(), **{name: "\u200b \u2060"})
        assert kit.send(client, kit.make_link(order), typed).status_code == 400
        assert kit.reviews() == []

    def test_line_break_counts_once_however_it_is_sent(self, client: Client) -> None:
        order = kit.make_order()
        body = "\r\n".join(["x" * 99] * 100)
        answer = kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), body=body))
        assert answer.status_code == 200
        assert kit.reviews()[0].body == body.replace("\r\n", "\n")

    def test_large_order_is_shown_in_parts_that_can_be_sent(
        self, client: Client, settings: Any
    ) -> None:
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 30
        order = kit.make_order(*[factories.make_product(f"Stück {n}.") for n in range(1, 8)])
        token, lines = kit.make_link(order), list(order.lines.order_by("pk"))
        found = []
        for query in ("", "?part=2", "?part=3", "?part=9"):
            page = client.get(kit.path_of(token, query)).content.decode()
            found.append([n for n in range(1, 8) if f"Stück {n}." in page])
            assert ("?part=3" in page) is (query != "?part=3")
        assert found == [[1, 2, 3], [4, 5, 6], [7], [1, 2, 3]]
        answer = kit.send(client, token, *map(kit.fields, lines[3:6]), query="?part=2")
        assert (answer.status_code, len(kit.reviews())) == (200, 3)
        assert "Stück 4." in words(answer)

    @pytest.mark.parametrize("is_multipart", [True, False])
    def test_more_than_can_be_read_is_answered_by_a_page(
        self, client: Client, settings: Any, is_multipart: bool
    ) -> None:
        order = kit.make_order()
        path = kit.path_of(kit.make_link(order))
        how = {} if is_multipart else {"content_type": "application/x-www-form-urlencoded"}
        for data in (kit.fields(order.lines.get(), body="x" * 3_000_000),
                     {f"line-{n}-title": "x" for n in range(1100)}):  # fmt: skip
            answer = client.post(path, data if is_multipart else urlencode(data), **how)
            assert (answer.status_code, "nichts gespeichert" in words(answer)) == (413, True)
        assert kit.reviews() == []

    def test_who_sends_too_often_waits_and_loses_nothing(
        self, client: Client, settings: Any
    ) -> None:
        hour = dt.timedelta(hours=1)
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY, "FORM_RATE_LIMITS": {"reviews": {"address": (1, hour)}}
        }  # fmt: skip
        order = kit.make_order()
        token = kit.make_link(order)
        kit.send(client, token, {"rating-score": "1"})
        answer = kit.send(client, token, kit.fields(order.lines.get()))
        assert answer.status_code == 429
        assert "Hält den Tee" in words(answer)
        assert int(answer["Retry-After"]) > 0

    def test_product_that_left_the_shop(self, client: Client) -> None:
        order = kit.make_order(factories.make_product("Kanne"), factories.make_product("Tasse"))
        pot, cup = order.lines.order_by("pk")
        pot.product.is_public = False
        pot.product.save()
        cup.product.delete()
        token = kit.make_link(order)
        page = client.get(kit.path_of(token))
        assert (page.status_code, "Kanne" in page.content.decode()) == (200, True)
        kit.send(client, token, kit.fields(pot), kit.fields(cup))
        assert kit.reviews() == []

    def test_order_that_is_gone(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        order.delete()
        assert client.get(kit.path_of(token)).status_code == 200
        answer = client.post(kit.path_of(token), {"rating-score": "1"})
        assert answer.status_code == 400
        assert not models.ServiceRating.objects.exists()


class TestWhatWasTakenBack:
    def refused(self, client: Client, order: Any, token: str) -> bool:
        answer = kit.send(client, token, kit.fields(order.lines.first()))
        return kit.reviews() == [] and "Hält den Tee" in words(answer)

    def test_cancelled_order(self, client: Client) -> None:
        order = kit.make_order()
        token = kit.make_link(order)
        type(order).objects.update(status="Cancelled")
        assert self.refused(client, order, token)

    def test_cancelled_line(self, client: Client) -> None:
        order = kit.make_order(factories.make_product(), factories.make_product())
        token, line = kit.make_link(order), order.lines.first()
        line.status = "Cancelled"
        line.save()
        assert self.refused(client, order, token)
        kit.send(client, token, kit.fields(order.lines.last()))
        assert len(kit.reviews()) == 1

    @pytest.mark.parametrize("kind", ["Refund", "Return"])
    def test_line_that_went_back(self, client: Client, kind: str) -> None:
        order = kit.make_order(factories.make_product(), factories.make_product())
        token, line = kit.make_link(order), order.lines.first()
        if kind == "Refund":
            made = get_model("order", "PaymentEventType").objects.create(name="Refunded")
            event = order.payment_events.create(event_type=made, amount=1)
            get_model("order", "PaymentEventQuantity").objects.create(
                event=event, line=line, quantity=1
            )
        else:
            made = get_model("order", "ShippingEventType").objects.create(name="Returned")
            event = order.shipping_events.create(event_type=made)
            get_model("order", "ShippingEventQuantity").objects.create(
                event=event, line=line, quantity=1
            )
        assert self.refused(client, order, token)
