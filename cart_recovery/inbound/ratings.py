"""A number as the answer to a review request: a rating. Whatever may be anything else is none."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from cart_recovery.channels.base import Channel
from cart_recovery.conf import conf
from cart_recovery.consent import notices
from cart_recovery.inbound.obeying import aliases_like
from cart_recovery.models import (
    Contact,
    FollowUp,
    Message,
    NoticeKind,
    Purpose,
    RatingSource,
)
from cart_recovery.reviews import links, thanks
from cart_recovery.reviews.rating import Answer, rate

#: what is read of an answer
MAX_LENGTH: Final = 2000
NUMBER_WORDS: Final = {
    "null": 0, "zero": 0, "eins": 1, "one": 1, "zwei": 2, "two": 2, "drei": 3, "three": 3,
    "vier": 4, "four": 4, "fünf": 5, "fuenf": 5, "five": 5, "sechs": 6, "six": 6, "sieben": 7,
    "seven": 7, "acht": 8, "eight": 8, "neun": 9, "nine": 9, "zehn": 10, "ten": 10,
}  # fmt: skip
#: may stand before the number: "Note 2", "ich gebe eine 2"
_BEFORE: Final = (
    r"(?:(?:meine |die |eine |ich gebe |my |a |i give )*"
    r"(?:schulnote|note|bewertung|wertung|grade|rating|score|mark)?(?: ist| is|:|=)?(?: eine| a)?)"
)
#: a number that ends there: no date, no price, no share, no plural of anything; a tendency may follow it
_NUMBER: Final = rf"(?P<number>\d{{1,3}}|{'|'.join(NUMBER_WORDS)})(?![\d\w%€$°])(?![.,:/]\d)[+\-]?"
_RATING: Final = re.compile(
    rf"[^\w+\-]*{_BEFORE}\s*{_NUMBER}(?P<gap>[\s.,;:!?)\-–—]*)(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
#: the number and the remark stand apart; a point alone makes "2. Paket fehlt" of it
_APART: Final = re.compile(r"[\n,;:!?)–—]|\.\.|\s-|-\s")
#: how a remark begins that follows the number without a sign between: anything else may be what is
#: counted ("2 Pakete fehlen", "3 days late"). In doubt it is none, and stays an answer to be read
_REMARK_WORDS: Final = frozenset({
    "aber", "all", "alles", "also", "and", "ansonsten", "awful", "bad", "because", "bitte", "but",
    "cheers", "da", "danke", "das", "der", "die", "disappointed", "enttäuscht", "es", "everything",
    "excellent", "fand", "fast", "fine", "ganz", "gern", "gerne", "good", "great", "gut", "gute",
    "guter", "hat", "hätte", "ich", "ihr", "immer", "insgesamt", "ist", "it", "its", "kann", "kein",
    "keine", "langsam", "leider", "lg", "lief", "mangelhaft", "mfg", "mies", "mit", "my", "nett",
    "nice", "nicht", "not", "nur", "obwohl", "ok", "okay", "overall", "passt", "perfect", "perfekt",
    "please", "poor", "prima", "really", "schlecht", "schnell", "schnelle", "sehr", "sie", "since",
    "slow", "so", "spitze", "super", "terrible", "thank", "thanks", "the", "they", "thx", "tip",
    "tipp", "toll", "tolle", "top", "und", "unzufrieden", "very", "viel", "vielen", "war", "waren",
    "was", "wegen", "weil", "weiter", "well", "wirklich", "would", "wunderbar", "you", "your", "zu",
    "zufrieden",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextRating:
    score: int
    comment: str


def read_rating(text: str, scores: Collection[int]) -> TextRating | None:
    """The rating that an answer is: "2", "Note 2!", "zwei", "2 danke, alles super". None for several
    numbers, for one outside of the scale, and for a sentence in which a number only occurs."""
    plain = unicodedata.normalize("NFKC", text[:MAX_LENGTH])
    # keycaps: 2️⃣ is a 2 with two marks; what is invisible says nothing
    plain = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Mn", "Me"))
    found = _RATING.fullmatch(plain.strip())
    if found is None:
        return None
    number = found["number"].casefold()
    score = NUMBER_WORDS.get(number)
    score = int(number) if score is None else score
    rest = found["rest"].strip()
    if score not in scores or not _is_remark(rest, found["gap"]):
        return None
    return TextRating(score, rest)


def _is_remark(rest: str, gap: str) -> bool:
    if not rest:
        return True
    words = re.findall(r"\w+", rest)
    if not words:
        # an emoji or a bracket
        return True
    is_number = [word.isdigit() or word.casefold() in NUMBER_WORDS for word in words]
    if all(is_number) or (is_number[0] and len(words) < 3):
        return False
    return bool(_APART.search(gap)) or words[0].casefold() in _REMARK_WORDS


def requested_of(contact: Contact, channel: Channel, now: dt.datetime) -> FollowUp | None:
    """The latest review request to this person on a channel of this kind, as far as it still can be
    answered by a number."""
    message = (
        Message.objects.filter(
            contact=contact, channel__in=aliases_like(channel),
            sent_at__gt=now - conf.RATING_REPLY_WITHIN,
            followup__enrolment__campaign__purpose=Purpose.REVIEW_REQUEST,
            followup__enrolment__order__order__isnull=False,
        )
        .select_related("followup__enrolment__order", "followup__enrolment__campaign__thanks")
        .order_by("-sent_at", "-pk")
        .first()
    )  # fmt: skip
    return message.followup if message is not None else None


def take_rating(text: str, contact: Contact | None, channel: Channel) -> bool:
    """Record the rating that an answer is, and thank for it; whether it is one."""
    found = read_rating(text, links.scores())
    if found is None or contact is None:
        return False
    now = timezone.now()
    followup = requested_of(contact, channel, now)
    if followup is None or followup.enrolment.order is None:
        return False
    order_id = followup.enrolment.order.order_id
    answer = Answer(found.score, RatingSource.SMS, found.comment or None, followup.pk)
    rated = rate(order_id, contact.pk, answer, now)
    if rated.is_new or rated.is_changed:
        thanks.give(followup, order_id, contact.pk, now)
        notices.plan(
            NoticeKind.RATING_THANKS, contact, channel=channel.alias,
            language=followup.enrolment.language, content={"rating": rated.rating.pk}, now=now,
        )  # fmt: skip
    return True
