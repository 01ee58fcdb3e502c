"""Versions of templates: nothing is lost, and differences are told line by line."""

from __future__ import annotations

import pytest

from cart_recovery.models import MessageTemplate
from cart_recovery.rendering import versions
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.measuring import SUBJECT_ON_DESK, measure_mail
from cart_recovery.rendering.requests import Rendered
from cart_recovery.rendering.sms import culprits
from tests.factories import make_user


def row() -> MessageTemplate:
    return MessageTemplate.objects.get(code="abandoned-basket-1", channel="email", language="de")


@pytest.mark.django_db
class TestSaving:
    def test_what_is_replaced_is_kept_though_it_never_was_a_version(self) -> None:
        template, shipped = row(), row().subject
        template.subject = "Neu"
        user = make_user()
        version = versions.save(template, user=user)
        assert (version.number, version.saved_by, row().revision) == (2, user, 2)
        assert versions.base_of(template, 1).subject == shipped

    def test_a_change_past_this_function_is_kept_too(self) -> None:
        versions.save(row(), user=None)
        MessageTemplate.objects.filter(pk=row().pk).update(subject="Aus der Shell")
        template = row()
        template.subject = "Danach"
        versions.save(template, user=None)
        kept = template.versions.order_by("number").values_list("number", "subject")
        assert list(kept)[2:] == [(3, "Aus der Shell"), (4, "Danach")]
        assert row().revision == 4

    def test_restoring_throws_nothing_away(self) -> None:
        template, shipped = row(), row().subject
        template.subject = "Neu"
        versions.save(template, user=None)
        versions.restore(template, versions.base_of(template, 1), user=None)
        assert (row().subject, row().revision, template.versions.count()) == (shipped, 3, 3)


class TestComparing:
    def rows(self, old: str, new: str) -> list[tuple[str, str, int, int]]:
        (found,) = versions.compare(Content("de", html=old), Content("de", html=new))
        assert found.field == "html"
        return [(row.kind, row.text, row.before, row.after) for row in found.rows]

    def test_lines_are_told_with_their_numbers(self) -> None:
        assert self.rows("a\nb\nc", "a\nx\nc") == [
            ("same", "a", 1, 1), ("removed", "b", 2, 0), ("added", "x", 0, 2), ("same", "c", 3, 3),
        ]  # fmt: skip

    def test_what_did_not_change_is_left_out(self) -> None:
        many = [f"line {n}" for n in range(30)]
        kinds = [kind for kind, *_rest in self.rows("\n".join(many), "\n".join([*many, "end"]))]
        assert kinds == ["gap", "same", "same", "added"]

    def test_ends_of_lines_are_no_difference(self) -> None:
        assert versions.compare(Content("de", html="a\r\nb"), Content("de", html="a\nb")) == []


class TestCulprits:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Hallo „Welt“ – € …", []),
            ("Hallo 😀!", [("😀", 7)]),
            ("👩‍👧 da", [("👩‍👧", 1)]),
            ("Žluť", [("Ž", 1), ("ť", 4)]),
            ("日本", [("日", 1), ("本", 2)]),
        ],
    )
    def test_they_are_what_no_plain_spelling_mends(
        self, text: str, found: list[tuple[str, int]]
    ) -> None:
        assert [(item.character, item.position) for item in culprits(text)] == found


def test_hints_say_what_inboxes_show() -> None:
    def hints(subject: str, preheader: str) -> tuple[str, str]:
        figures = measure_mail(Rendered(subject, preheader, "<p>", "", 0, "de"), "email")
        return figures.subject_hint, figures.preheader_hint

    assert hints("a" * 30, "") == ("", "empty")
    assert hints("a" * 41, "b" * 10) == ("long", "short")
    assert hints("a" * (SUBJECT_ON_DESK + 1), "b" * 101) == ("cut", "cut")
    assert hints("a", "b" * 50) == ("", "")
