"""The forms of the review page: one per product and one for the service, in a single HTML form, so
that nothing that was typed elsewhere on the page is lost."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.files.base import ContentFile
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cart_recovery.models import ServiceRating
from cart_recovery.reviews import links
from cart_recovery.reviews.photos import clean_photo, too_large, too_many
from cart_recovery.reviews.rating import MAX_COMMENT
from cart_recovery.reviews.subjects import Subject
from cart_recovery.reviews.uploads import DROPPED, MOST_FILES, Dropped
from cart_recovery.reviews.writing import Draft
from cart_recovery.shop.reviews import MAX_NAME, MAX_TITLE, ReviewFacts, ReviewText

#: what stands before the key of a subject in the names of its fields
PREFIX: Final = "line-"
RATING: Final = "rating"
STARS: Final = (5, 4, 3, 2, 1)
MAX_BODY: Final = 10_000
#: Unicode categories of which nothing shows
INVISIBLE: Final = ("Cc", "Cf", "Mn", "Zl", "Zp", "Zs")


class SpokenField(forms.CharField):
    """What a person writes: a line break counts once however it is sent, and what shows nothing is
    nothing."""

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value)).replace("\r\n", "\n").replace("\r", "\n")
        is_visible = any(unicodedata.category(char) not in INVISIBLE for char in text)
        return text if is_visible else self.empty_value


class ReviewForm(forms.Form):
    """What is said of one product."""

    score = forms.TypedChoiceField(
        coerce=int, choices=[(n, str(n)) for n in STARS],
        error_messages={
            "required": _("Please choose how many stars it gets."),
            "invalid_choice": _("Please choose one to five stars."),
        },
    )  # fmt: skip
    title = SpokenField(
        max_length=MAX_TITLE,
        error_messages={
            "required": _("Please give it a headline, a word is enough."),
            "max_length": _("This headline is too long: %(limit_value)d characters at most."),
        },
    )
    body = SpokenField(
        max_length=MAX_BODY,
        error_messages={
            "required": _("Please write what you think of it, a sentence is enough."),
            "max_length": _("This text is too long: %(limit_value)d characters at most."),
        },
    )
    name = SpokenField(
        max_length=MAX_NAME, required=False,
        error_messages={
            "max_length": _("This name is too long: %(limit_value)d characters at most."),
        },
    )  # fmt: skip
    photo = forms.FileField(
        required=False,
        error_messages={
            "empty": _("This file is empty. Please choose another one."),
            "invalid": _("This photo did not arrive. Please choose it once more."),
            "missing": _("This photo did not arrive. Please choose it once more."),
        },
    )
    remove_photo = forms.BooleanField(required=False)

    #: why the photo was dropped on its way
    dropped: Dropped | None = None

    def clean_photo(self) -> ContentFile[bytes] | None:
        if self.dropped is not None:
            raise too_large() if self.dropped is Dropped.TOO_LARGE else too_many(MOST_FILES)
        uploaded = self.cleaned_data.get("photo")
        return clean_photo(uploaded) if uploaded else None

    @property
    def is_touched(self) -> bool:
        """Whether anything was said: what is left empty is no mistake."""
        names = [self.add_prefix(name) for name in ("score", "title", "body", "remove_photo")]
        is_typed = any(str(self.data.get(name) or "").strip() for name in names)
        return is_typed or self.dropped is not None or self.add_prefix("photo") in self.files

    def says_the_same(self, review: ReviewFacts | None) -> bool:
        """Whether a valid form asks for nothing but what was written before."""
        draft, has_photo = self.draft, self.cleaned_data["photo"] is not None
        if review is None or has_photo or draft.removes_photo or draft.text.name:
            return False
        text = draft.text
        return (text.score, text.title, text.body) == (review.score, review.title, review.body)

    @property
    def draft(self) -> Draft:
        """Of a valid form."""
        data = self.cleaned_data
        text = ReviewText(data["score"], data["title"], data["body"], data["name"])
        return Draft(text, data["photo"], bool(data["remove_photo"]))


class RatingForm(forms.Form):
    """What is said of the shop's service."""

    score = forms.TypedChoiceField(
        coerce=int,
        error_messages={
            "required": _("Please choose a rating."),
            "invalid_choice": _("Please choose a rating."),
        },
    )
    comment = SpokenField(
        max_length=MAX_COMMENT, required=False,
        error_messages={
            "max_length": _("This comment is too long: %(limit_value)d characters at most."),
        },
    )  # fmt: skip

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, prefix=RATING, initial=initial)
        field: Any = self.fields["score"]
        field.choices = [(score, str(score)) for score in links.scores()]

    @property
    def is_touched(self) -> bool:
        return any(str(self.data.get(self.add_prefix(n)) or "").strip() for n in self.fields)


@dataclass(frozen=True, slots=True)
class Field:
    """A field as the template shows it."""

    name: str
    id: str
    value: str
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A form as the template shows it: fields by name."""

    fields: Mapping[str, Field]
    has_errors: bool

    def __getitem__(self, name: str) -> Field:
        return self.fields[name]


def shown(form: forms.Form, *, is_kept: bool, is_judged: bool) -> Shown:
    """`is_kept`: what was sent stands in the fields; `is_judged`: with what is wrong about it."""
    fields = {}
    for name in form.fields:
        bound = form[name]
        value = bound.value() if is_kept or not form.is_bound else bound.initial
        fields[name] = Field(
            name=bound.html_name, id=f"recovery-{bound.html_name}",
            value="" if value is None or name == "photo" else str(value),
            errors=[str(e) for e in bound.errors] if is_judged and is_kept else [],
        )  # fmt: skip
    return Shown(fields, any(field.errors for field in fields.values()))


def review_form(subject: Subject, request: HttpRequest | None) -> ReviewForm:
    """The form of a subject, filled with what was sent, else with what was written before."""
    review = subject.review
    initial = (
        {"score": review.score, "title": review.title, "body": review.body}
        if review is not None
        else {}
    )
    prefix = f"{PREFIX}{subject.key}"
    if request is None:
        return ReviewForm(prefix=prefix, initial=initial)
    form = ReviewForm(request.POST, request.FILES, prefix=prefix, initial=initial)
    form.dropped = getattr(request, DROPPED, {}).get(form.add_prefix("photo"))
    return form


def rating_form(
    rating: ServiceRating | None, tapped: str, request: HttpRequest | None
) -> RatingForm:
    """The form of the rating; `tapped` in a mail is chosen already, and not yet sent."""
    initial: dict[str, Any] = {}
    if rating is not None:
        initial = {"score": rating.score, "comment": rating.comment}
    if tapped in {str(score) for score in links.scores()}:
        initial["score"] = tapped
    return RatingForm(request.POST if request is not None else None, initial=initial)


def foreign_keys(request: HttpRequest, own: set[str]) -> Iterator[str]:
    """Keys of subjects in what was sent that are none of this link's."""
    for name in (*request.POST, *request.FILES):
        if name.startswith(PREFIX):
            key, _dash, _field = name.removeprefix(PREFIX).rpartition("-")
            if key not in own:
                yield key
