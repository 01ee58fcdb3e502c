"""The review page on a phone: stars by touch, a photo, mistakes that lose nothing; and without script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.reviews.views import ReviewView
from tests import factories
from tests.admin.desk import axe_source
from tests.incentives.test_granting import make_incentive
from tests.reviews import kit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 375, "height": 740}


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def phone(new_profile: Any) -> Any:
    return new_profile(viewport=PHONE, has_touch=True, is_mobile=True, locale="de-DE").new_page()


def ordered(*titles: str) -> Any:
    return kit.make_order(*[factories.make_product(title) for title in titles or ("Teekanne",)])


def picture(page: Any, name: str) -> None:
    """Kept where CART_RECOVERY_SCREENSHOTS says; no page may be wider than its window."""
    before = page.viewport_size
    for width in (375, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        folder = os.environ.get("CART_RECOVERY_SCREENSHOTS")
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(before)


def assert_accessible(page: Any) -> None:
    page.evaluate(axe_source())
    found = page.evaluate(
        """() => axe.run({resultTypes: ["violations"]}).then(r => r.violations
             .filter(v => ["serious", "critical"].includes(v.impact))
             .map(v => `${v.id}: ${v.nodes.map(n => n.target.join(" ")).join(" | ")}`))"""
    )
    assert found == []


def write(
    page: Any, line: Any, *, stars: int = 4, title: str = "Gut", body: str = "Hält warm."
) -> None:
    page.locator(f"#recovery-line-{line.pk}-score-{stars}").tap()
    page.fill(f"#recovery-line-{line.pk}-title", title)
    page.fill(f"#recovery-line-{line.pk}-body", body)


def test_review_is_written_by_touch_with_a_photo(
    phone: Any, live_server: Any, tmp_path: Path
) -> None:
    order = ordered("Teekanne")
    line = order.lines.get()
    get_model("catalogue", "ProductImage").objects.create(
        product=line.product, original=ContentFile(kit.make_photo((300, 300)).read(), "kanne.jpg")
    )
    token = kit.make_link(order, thanks=make_incentive())
    phone.goto(live_server.url + kit.path_of(token))
    assert_accessible(phone)
    picture(phone, "review")
    write(phone, line)
    photo = tmp_path / "IMG_0001.jpg"
    photo.write_bytes(kit.make_photo((800, 600)).read())
    phone.set_input_files(f"#recovery-line-{line.pk}-photo", photo)
    picture(phone, "review-filled")
    phone.locator("button[type=submit]").last.tap()
    phone.wait_for_selector(".cr-code")
    assert_accessible(phone)
    picture(phone, "review-thanks")
    (review,) = kit.reviews()
    assert (review.score, review.title, review.body) == (4, "Gut", "Hält warm.")
    assert models.LineReview.objects.get().photo.name
    assert models.VoucherGrant.objects.get().code == phone.inner_text(".cr-code")


def test_tapped_rating_is_sent_by_one_more_tap(phone: Any, live_server: Any) -> None:
    token = kit.make_link(ordered())
    phone.goto(live_server.url + kit.path_of(token, "?score=5"))
    assert phone.is_checked("input[name=rating-score][value='5']")
    picture(phone, "rating-tapped")
    assert not models.ServiceRating.objects.exists()
    phone.locator("button[type=submit]").first.tap()
    phone.wait_for_selector(".cr-told")
    picture(phone, "rating-sent")
    rating = models.ServiceRating.objects.get()
    assert (rating.score, rating.source) == (5, "mail")
    assert models.StaffTask.objects.count() == 1


def test_mistake_in_one_product_loses_nothing_of_the_others(phone: Any, live_server: Any) -> None:
    order = ordered("Teekanne", "Tasse", "Sieb")
    pot, cup, sieve = order.lines.order_by("pk")
    phone.goto(live_server.url + kit.path_of(kit.make_link(order)))
    write(phone, pot)
    write(phone, cup, title="", body="Leider zu klein.")
    phone.fill(f"#recovery-line-{sieve.pk}-body", "Nur angefangen")
    phone.locator("button[type=submit]").last.tap()
    phone.wait_for_selector(".cr-error")
    assert_accessible(phone)
    picture(phone, "review-errors")
    assert [r.product.title for r in kit.reviews()] == ["Teekanne"]
    assert phone.input_value(f"#recovery-line-{cup.pk}-body") == "Leider zu klein."
    assert phone.is_checked(f"#recovery-line-{cup.pk}-score-4")
    assert phone.input_value(f"#recovery-line-{sieve.pk}-body") == "Nur angefangen"
    phone.fill(f"#recovery-line-{cup.pk}-title", "Klein")
    with phone.expect_navigation():
        phone.locator("button[type=submit]").last.tap()
    assert len(kit.reviews()) == 2


def test_photo_that_is_too_large_is_named_before_it_is_sent(
    phone: Any, live_server: Any, tmp_path: Path
) -> None:
    order = ordered()
    line = order.lines.get()
    phone.goto(live_server.url + kit.path_of(kit.make_link(order)))
    write(phone, line)
    photo = tmp_path / "big.jpg"
    photo.write_bytes(b"\xff\xd8\xff" + b"0" * 20 * 1024 * 1024)
    phone.set_input_files(f"#recovery-line-{line.pk}-photo", photo)
    phone.wait_for_selector(f"#recovery-line-{line.pk}-photo-note")
    phone.locator("button[type=submit]").last.tap()
    picture(phone, "review-photo-too-large")
    assert phone.input_value(f"#recovery-line-{line.pk}-body") == "Hält warm."
    assert kit.reviews() == []
    with phone.expect_navigation():
        phone.locator("button[type=submit]").last.tap()
    assert [review.body for review in kit.reviews()] == ["Hält warm."], "the rest can be sent"


def test_twenty_megabytes_without_script_keep_the_text(
    new_profile: Any, live_server: Any, tmp_path: Path
) -> None:
    page = new_profile(java_script_enabled=False, viewport=PHONE).new_page()
    order = ordered()
    line = order.lines.get()
    page.goto(live_server.url + kit.path_of(kit.make_link(order)))
    page.locator(f"#recovery-line-{line.pk}-score-2").check(force=True)
    page.fill(f"#recovery-line-{line.pk}-title", "Naja")
    page.fill(f"#recovery-line-{line.pk}-body", "Mit Foto wäre es klarer.")
    photo = tmp_path / "big.jpg"
    photo.write_bytes(b"\xff\xd8\xff" + b"0" * 20 * 1024 * 1024)
    page.set_input_files(f"#recovery-line-{line.pk}-photo", photo)
    page.locator("button[type=submit]").last.click()
    page.wait_for_selector(f"#recovery-line-{line.pk}-photo-error")
    assert page.input_value(f"#recovery-line-{line.pk}-body") == "Mit Foto wäre es klarer."
    assert page.is_checked(f"#recovery-line-{line.pk}-score-2")
    assert kit.reviews() == []
    page.locator("button[type=submit]").last.click()
    page.wait_for_selector(".cr-told")
    assert len(kit.reviews()) == 1


def test_stars_are_chosen_by_the_keyboard(new_profile: Any, live_server: Any) -> None:
    page = new_profile(viewport={"width": 1440, "height": 900}).new_page()
    order = ordered()
    line = order.lines.get()
    page.goto(live_server.url + kit.path_of(kit.make_link(order)))
    page.locator(f"#recovery-line-{line.pk}-score-1").focus()
    page.keyboard.press("Space")
    for _n in range(2):
        page.keyboard.press("ArrowRight")
    assert page.is_checked(f"#recovery-line-{line.pk}-score-3")
    page.keyboard.press("Tab")
    page.keyboard.type("Mit Tasten")
    page.keyboard.press("Tab")
    page.keyboard.type("Geht gut.")
    page.locator("button[type=submit]").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".cr-told")
    assert (kit.reviews()[0].score, kit.reviews()[0].title) == (3, "Mit Tasten")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_state_fits_the_screen(
    new_profile: Any, live_server: Any, settings: Any, scheme: str
) -> None:
    settings.OSCAR_MODERATE_REVIEWS = True
    page = new_profile(color_scheme=scheme, viewport=PHONE).new_page()
    page.goto(live_server.url + kit.path_of("unknownToken"))
    picture(page, f"review-unknown-{scheme}")
    title = "Eine Teekanne mit einem wirklich sehr langen Namen aus Gußeisenemaillewerkstoffverbund"
    order = ordered(title, "Tasse", "Sieb")
    pot, cup, _sieve = order.lines.order_by("pk")
    cup.status = "Cancelled"
    cup.save()
    token = kit.make_link(order)
    page.goto(live_server.url + kit.path_of(token))
    page.locator(f"#recovery-line-{pot.pk}-score-5").check(force=True)
    page.fill(f"#recovery-line-{pot.pk}-title", "Gut")
    page.fill(f"#recovery-line-{pot.pk}-body", "Gut.")
    page.locator("button[type=submit]").last.click()
    page.wait_for_selector(".cr-told")
    assert_accessible(page)
    picture(page, f"review-states-{scheme}")
    models.ReviewLink.objects.update(expires_at="2026-01-01T00:00Z")
    page.goto(live_server.url + kit.path_of(token))
    picture(page, f"review-expired-{scheme}")


def test_page_works_under_a_strict_content_security_policy(
    phone: Any, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ReviewView.dispatch

    def strict(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = plain(self, request, *args, **kwargs)
        response["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "form-action 'self'"
        )
        return response

    monkeypatch.setattr(ReviewView, "dispatch", strict)
    heard: list[str] = []
    phone.on("console", lambda message: heard.append(message.text))
    order = ordered()
    phone.goto(live_server.url + kit.path_of(kit.make_link(order)))
    write(phone, order.lines.get())
    phone.locator("button[type=submit]").last.tap()
    phone.wait_for_selector(".cr-told")
    assert [text for text in heard if "Content Security Policy" in text] == []
