"""Photos: taken from phones, refused from attackers, kept without anything but the picture."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from cart_recovery import models
from cart_recovery.reviews import forms, views
from cart_recovery.reviews.uploads import MOST_FILES
from tests import factories
from tests.pages import words
from tests.reviews import kit

pytestmark = pytest.mark.django_db
MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(media: Path) -> list[str]:
    return [str(p.relative_to(media)) for p in media.rglob("*") if p.is_file()]


def with_place() -> SimpleUploadedFile:
    """A photo that says where and with what it was taken, lying on its side."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Kamera von Erika", 6
    exif.get_ifd(0x8825)[2] = (50.0, 56.0, 33.0)
    return kit.make_photo((60, 40), exif=exif, comment=b"Erika war hier")


def bomb() -> SimpleUploadedFile:
    """A PNG of a few hundred bytes that claims 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return SimpleUploadedFile("photo.png", png, content_type="image/png")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BAD = {
    "svg": lambda: SimpleUploadedFile("a.jpg", SVG, content_type="image/jpeg"),
    "html": lambda: SimpleUploadedFile("a.png", b"<html><script>", content_type="image/png"),
    "cut": lambda: SimpleUploadedFile("a.jpg", kit.make_photo((900, 900)).read()[:300]),
    "gif": lambda: kit.make_photo(kind="GIF"),
    "tiff": lambda: kit.make_photo(kind="TIFF"),
    "eps": lambda: SimpleUploadedFile("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9"),
    "bomb": bomb,
    "pixels": lambda: kit.make_photo((9000, 7000), kind="JPEG"),
    "pixels at once": lambda: kit.make_photo((5000, 4100), kind="PNG"),
    "empty": lambda: SimpleUploadedFile("a.jpg", b""),
    "20 MB": lambda: SimpleUploadedFile("a.jpg", b"\xff\xd8\xff" + b"0" * 20 * MEGABYTE),
    "9 MB": lambda: SimpleUploadedFile("a.jpg", b"\xff\xd8\xff" + b"0" * 9 * MEGABYTE),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_photo_is_refused_and_the_text_kept(
    client: Client, media: Path, what: str
) -> None:
    order = kit.make_order()
    line = order.lines.get()
    token = kit.make_link(order)
    answer = kit.send(client, token, kit.fields(line, photo=BAD[what]()))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert f'id="recovery-line-{line.pk}-photo-error"' in page
    assert "Hält den Tee lange warm." in words(answer)
    assert 'value="4" checked' in page
    assert kit.reviews() == []
    assert files(media) == []
    # the text alone goes through
    assert kit.send(client, token, kit.fields(line)).status_code == 200
    assert len(kit.reviews()) == 1


def test_body_beyond_any_form_is_not_read(client: Client, settings: Any) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "REVIEW_PHOTO_MAX_BYTES": 1000}
    order = kit.make_order()
    photo = SimpleUploadedFile("a.jpg", b"0" * 20_000)
    answer = kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), photo=photo))
    assert answer.status_code == 413
    assert kit.reviews() == []


def test_photo_is_kept_as_a_picture_and_nothing_else(client: Client, media: Path) -> None:
    order = kit.make_order()
    kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), photo=with_place()))
    (name,) = files(media)
    assert re.fullmatch(r"cart_recovery/reviews/[0-9a-f]{2}/[0-9a-f]{32}\.jpg", name)
    kept = (media / name).read_bytes()
    assert b"Erika" not in kept
    assert b"Exif" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        # upright
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (40, 60), {})
    assert models.LineReview.objects.get().photo.name == name


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_large_pictures_are_made_smaller(client: Client, media: Path, kind: str) -> None:
    order = kit.make_order()
    photo = kit.make_photo((4000, 3000), kind=kind)
    kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), photo=photo))
    with Image.open(media / files(media)[0]) as image:
        assert image.size == (1600, 1200)


def test_transparent_picture_stands_on_white(client: Client, media: Path) -> None:
    kept = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(kept, "PNG")
    order = kit.make_order()
    photo = SimpleUploadedFile("a.png", kept.getvalue())
    kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), photo=photo))
    with Image.open(media / files(media)[0]) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_photo_that_no_storage_takes_costs_nobody_their_text(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise OSError("the storage is down")

    monkeypatch.setattr(FileSystemStorage, "_save", fail)
    order = kit.make_order()
    photo = kit.make_photo()
    answer = kit.send(client, kit.make_link(order), kit.fields(order.lines.get(), photo=photo))
    assert (answer.status_code, len(kit.reviews())) == (200, 1)
    assert "das Foto" in words(answer)
    assert [r.levelname for r in caplog.records if "photo" in r.getMessage()] == ["ERROR"]
    assert not models.LineReview.objects.get().photo


def test_photos_beyond_the_number_are_named(client: Client, media: Path) -> None:
    order = kit.make_order(*[factories.make_product() for _n in range(MOST_FILES + 1)])
    lines = list(order.lines.order_by("pk"))
    token = kit.make_link(order)
    typed = [kit.fields(line, photo=kit.make_photo()) for line in lines]
    answer = kit.send(client, token, *typed)
    assert f'id="recovery-line-{lines[-1].pk}-photo-error"' in answer.content.decode()
    assert (len(files(media)), len(kit.reviews())) == (MOST_FILES, MOST_FILES)
    kit.send(client, token, kit.fields(lines[-1], photo=kit.make_photo()))
    assert len(files(media)) == MOST_FILES + 1


@pytest.mark.parametrize("why", ["often", "foreign", "refused", "mistake", "fine"])
def test_photo_is_read_once_and_only_if_it_may_be_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    read: list[Any] = []
    monkeypatch.setattr(forms, "clean_photo", read.append)
    if why == "often":
        monkeypatch.setattr(views, "seconds_to_wait", lambda *args: 60)
    order = kit.make_order()
    line = order.lines.get()
    if why == "refused":
        type(order).objects.update(status="Cancelled")
    typed = kit.fields(line, photo=kit.make_photo(), **({"title": ""} if why == "mistake" else {}))
    other = {"line-999999-title": "x"} if why == "foreign" else {}
    answer = kit.send(client, kit.make_link(order), typed, other)
    assert len(read) == (why in ("mistake", "fine"))
    # what was typed is there, in the form or as it was saved
    assert "Hält den Tee" in words(answer)


@pytest.mark.django_db(transaction=True)
def test_another_photo_takes_the_place_of_the_first_and_none_is_left(
    client: Client, media: Path
) -> None:
    order = kit.make_order()
    token, line = kit.make_link(order), order.lines.get()
    kit.send(client, token, kit.fields(line, photo=kit.make_photo()))
    first = files(media)
    kit.send(client, token, kit.fields(line, photo=kit.make_photo((50, 50))))
    second = files(media)
    assert (len(first), len(second), first == second) == (1, 1, False)
    kit.send(client, token, kit.fields(line, remove_photo="yes"))
    assert files(media) == []
    assert models.LineReview.objects.get().photo.name == ""


def test_photo_that_a_shop_s_middleware_has_read_is_still_bounded(
    client: Client, media: Path, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.reviews.kit.read_early"]
    order = kit.make_order()
    line = order.lines.get()
    answer = kit.send(client, kit.make_link(order), kit.fields(line, photo=BAD["9 MB"]()))
    assert (answer.status_code, "Hält den Tee" in words(answer)) == (400, True)
    assert files(media) == []
