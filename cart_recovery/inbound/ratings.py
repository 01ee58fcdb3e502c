"""A number as the answer to a review request: a rating. Whatever may be anything else is none."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
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
from cart_recovery.reviews.rating import Answer, mind_late, rate, settled_orders

#: what is read of an answer
MAX_LENGTH: Final = 2000
#: requests to one person that are looked at
MOST_REQUESTS: Final = 20
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
#: what a scale counts whose best is its highest; on school grades "5 Sterne" may be praise or blame
_STARS: Final = r"(?:\s?(?:sternen?|stars?)\b|\s?[*★⭐]+)?"
_REST: Final = r"(?P<gap>[\s.,;:!?)\-–—]*)(?P<rest>.*)"
_RATING: Final = re.compile(
    rf"(?P<lead>[^\w+\-]*){_BEFORE}\s*{_NUMBER}{_REST}", re.DOTALL | re.IGNORECASE
)
_STAR_RATING: Final = re.compile(
    rf"(?P<lead>[^\w+\-]*){_BEFORE}\s*{_NUMBER}{_STARS}{_REST}", re.DOTALL | re.IGNORECASE
)
#: the number and the remark stand apart; a point alone makes "2. Paket fehlt" of it
_APART: Final = re.compile(r"[\n,;:!)–—]|\.\.|\s-|-\s")
#: a list: "1. Zu spät 2. Kaputt"
_NEXT_ITEM: Final = re.compile(r"(?<!\w)\d{1,2} ?[.):](?!\d)")
#: what the number counts, said after it
_UNITS: Final = ("€", "$", "£", "%", "°", "*", "★", "⭐")
_LACKING: Final = frozenset({"fehlen", "fehlt", "fehlte", "fehlten", "missing"})
#: how a remark begins that follows the number without a sign between. Verbs, articles, negations and
#: prepositions are left out: they may go on with what is counted ("2 waren kaputt", "1 not received").
#: In doubt it is none, and stays an answer to be read
_REMARK_WORDS: Final = frozenset({
    "aber", "all", "alles", "ansonsten", "awful", "bad", "because", "but", "cheers", "danke",
    "disappointed", "enttäuscht", "everything", "excellent", "fine", "ganz", "gern", "gerne", "good",
    "great", "gut", "gute", "guter", "ich", "ihr", "insgesamt", "langsam", "lg", "mangelhaft", "mfg",
    "mies", "nett", "nice", "obwohl", "ok", "okay", "overall", "perfect", "perfekt", "poor", "prima",
    "really", "schlecht", "schnell", "schnelle", "sehr", "slow", "spitze", "super", "terrible",
    "thank", "thanks", "thx", "tip", "tipp", "toll", "tolle", "top", "unzufrieden", "very", "vielen",
    "weil", "weiter", "well", "wirklich", "wunderbar", "you", "zufrieden",
})  # fmt: skip
#: "2 gut, 1 kaputt" counts as well; how long something took does not
_OTHER_COUNT: Final = re.compile(
    r"(?<!\w)\d+(?!\w)(?! ?(?:tag|woche|stunde|minute|uhr|day|week|hour|minute))", re.IGNORECASE
)
#: a good number before these is rather one of the goods
_COMPLAINT: Final = re.compile(
    r"kaputt|defekt|zerbroch|beschädigt|umtausch|\b(?:fehl(?:t|en)|broken?|damaged|defective|missing)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TextRating:
    score: int
    comment: str


def read_rating(text: str, scores: Sequence[int]) -> TextRating | None:
    """The rating that an answer is: "2", "Note 2!", "zwei", "2 danke, alles super". `scores`: the
    scale, its best first. None for several numbers, for one outside of the scale, and for a sentence
    in which a number only occurs."""
    plain = unicodedata.normalize("NFKC", text[:MAX_LENGTH])
    # keycaps: 2️⃣ is a 2 with two marks; what is invisible says nothing
    plain = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Mn", "Me"))
    # long runs of white space would be tried at each of their places
    plain = re.sub(r"\s*\n\s*|\s+", lambda run: "\n" if "\n" in run[0] else " ", plain.strip())
    counts_stars = scores[0] > scores[-1]
    found = (_STAR_RATING if counts_stars else _RATING).fullmatch(plain)
    if found is None:
        return None
    number = found["number"].casefold()
    score = NUMBER_WORDS.get(number)
    score = int(number) if score is None else score
    rest = found["rest"].strip()
    if score not in scores or _is_list(found) or not _is_remark(rest, found["gap"]):
        return None
    is_good = scores.index(score) < len(scores) / 2
    if is_good and not _APART.search(found["gap"]) and _COMPLAINT.search(rest):
        return None
    return TextRating(score, rest)


def _is_list(found: re.Match[str]) -> bool:
    """Whether the number is the first of several points: "1) Falsche Farbe 2) Kaputt"."""
    gap, rest = found["gap"], found["rest"]
    if gap.startswith(")") and "(" not in found["lead"] and rest:
        return True
    return gap.startswith((".", ":", ")")) and _NEXT_ITEM.search(rest) is not None


def _is_remark(rest: str, gap: str) -> bool:
    if "?" in gap or rest.startswith(_UNITS):
        return False
    words = [word.casefold() for word in re.findall(r"\w+", rest)]
    if not words:
        # nothing, an emoji or a bracket
        return True
    if words[0].isdigit() or words[0] in NUMBER_WORDS or words[0] in _LACKING:
        return False
    if _APART.search(gap):
        return True
    return words[0] in _REMARK_WORDS and not _OTHER_COUNT.search(rest)


def requested_of(contact: Contact, channel: Channel, now: dt.datetime) -> FollowUp | None:
    """The latest review request to this person on a channel of this kind, as far as it still can be
    answered by a number: rather one whose order can still be rated. Two queries."""
    messages = (
        Message.objects.filter(
            contact=contact, channel__in=aliases_like(channel),
            sent_at__gt=now - conf.RATING_REPLY_WITHIN,
            followup__enrolment__campaign__purpose=Purpose.REVIEW_REQUEST,
            followup__enrolment__order__order__isnull=False,
        )
        .select_related("followup__enrolment__order", "followup__enrolment__campaign__thanks")
        .order_by("-sent_at", "-pk")[:MOST_REQUESTS]
    )  # fmt: skip
    asked = [m.followup for m in messages if m.followup is not None]
    settled = settled_orders([order for f in asked if (order := _order_of(f)) is not None], now)
    open_ones = (f for f in asked if _order_of(f) not in settled)
    return next(open_ones, asked[0] if asked else None)


def _order_of(followup: FollowUp) -> int | None:
    order = followup.enrolment.order
    return order.order_id if order is not None else None


def take_rating(text: str, contact: Contact | None, channel: Channel) -> bool:
    """Record the rating that an answer is, and thank for it. Whether all that it says is kept: words
    that come when the rating can no longer be changed are an answer to be read."""
    found = read_rating(text, links.scores())
    if found is None or contact is None:
        return False
    now = timezone.now()
    followup = requested_of(contact, channel, now)
    order_id = _order_of(followup) if followup is not None else None
    if followup is None or order_id is None:
        return False
    answer = Answer(found.score, RatingSource.SMS, found.comment or None, followup.pk)
    rated = rate(order_id, contact.pk, answer, now)
    if rated.is_new or rated.is_changed:
        thanks.give(followup, order_id, contact.pk, now)
        notices.plan(
            NoticeKind.RATING_THANKS, contact, channel=channel.alias,
            language=followup.enrolment.language, content={"rating": rated.rating.pk}, now=now,
        )  # fmt: skip
        return True
    if found.comment in ("", rated.rating.comment) and found.score == rated.rating.score:
        return True
    mind_late(rated.rating, order_id, found.score, now)
    return not found.comment
