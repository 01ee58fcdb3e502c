"""The pictures of the staff's documentation: each is made from a page that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from PIL import Image

from cart_recovery.delivery.pipeline import deliver_due
from sandbox_shop.management.commands.pictures import LARGEST, WIDTH
from sandbox_shop.staff_pictures import FOLDER, LANGUAGES, PICTURES
from tests.admin.test_roles import make_roles
from tests.factories import make_consent, make_contact, make_followup, make_user

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]*images/staff/[^)]*)\)")
NAMES = {picture.name for picture in PICTURES}


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_of_every_picture_opens(client: Client, language: str) -> None:
    make_roles()
    make_followup(contact=make_consent(make_contact()))
    deliver_due()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    for picture in PICTURES:
        answer = client.get(picture.path(language), headers={"Accept-Language": language})
        assert answer.status_code == 200, picture.name


def shown() -> list[tuple[Path, str, Path]]:
    """(page of the docs, text in the picture's place, the picture's file) of every picture shown."""
    return [
        (page, text, (page.parent / target).resolve())
        for page in sorted(DOCS.rglob("*.md"))
        for text, target in SHOWN.findall(page.read_text())
    ]


def test_every_picture_that_the_docs_show_is_in_the_table_and_in_the_page_s_language() -> None:
    assert len(shown()) >= 6
    for page, text, file in shown():
        assert file.stem in NAMES, page
        assert file.parent == FOLDER / ("de" if page.parent.name == "de" else "en"), page
        assert text, f"{page}: say what the picture shows"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_there_and_small(language: str) -> None:
    files = {file.stem: file for file in (FOLDER / language).glob("*")}
    assert files.keys() == NAMES, "run `make pictures`"
    for file in files.values():
        assert file.stat().st_size <= LARGEST, file
        with Image.open(file) as image:
            assert image.width == WIDTH, file


def test_names_are_told_once() -> None:
    assert len(NAMES) == len(PICTURES)
