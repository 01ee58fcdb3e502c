"""What a short answer means. Facts: 47 CFR 64.1200(a)(10), Twilio's default keywords; the German
words are not among those, so they are ours to understand."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from cart_recovery.inbound.intents import agrees, normalized, wants_no_more


class Keyword(StrEnum):
    STOP = "STOP"
    START = "START"
    #: a yes that means something only where one was asked for
    YES = "YES"
    HELP = "HELP"
    #: a number that answers a review request (`inbound.ratings`)
    RATING = "RATING"
    NONE = ""


#: whole answers, as `normalized` leaves them, without spaces
STOP_ANSWERS: Final = frozenset({
    "stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel", "remove",
    "stopp", "stoppen", "abmelden", "abbestellen", "austragen", "loeschen", "kuendigen", "ende",
    "keinesms", "keinewerbung", "arret", "arrêt", "baja", "stopsms", "smsstop", "stopstop",
    "keinemails", "keinenachrichten", "keinemehr", "keineerinnerungen", "nomore", "esreicht",
    "jetztreichts", "goaway", "getlost", "ichwiderrufe", "hiermitwiderrufeich", "enough",
    "nein", "neindanke", "no", "nothanks", "nothankyou", "nope", "widerruf", "widerspruch",
})  # fmt: skip
START_ANSWERS: Final = frozenset({"start", "yes", "unstop"})
HELP_ANSWERS: Final = frozenset({"help", "info", "hilfe"})
#: an answer of a few words that has one of these means it too ("stop please", "bitte abmelden")
CLEAR_WORDS: Final = frozenset({
    "stop", "stopp", "unsubscribe", "abmelden", "abbestellen", "austragen",
})  # fmt: skip
FEW_WORDS: Final = 4


def read_keyword(text: str) -> Keyword:
    """The keyword that a person's answer is. In doubt it is a no: asking twice costs more."""
    normal = normalized(text)
    words = normal.split()
    whole = "".join(words)
    if _is_stop(whole) or (len(words) <= FEW_WORDS and CLEAR_WORDS.intersection(words)):
        return Keyword.STOP
    if wants_no_more(normal):
        return Keyword.STOP
    if whole in START_ANSWERS:
        return Keyword.START
    if whole in HELP_ANSWERS:
        return Keyword.HELP
    return Keyword.YES if agrees(normal, text) else Keyword.NONE


def _is_stop(whole: str) -> bool:
    # "stoooop" is a stop as well
    return whole in STOP_ANSWERS or re.sub(r"(.)\1+", r"\1", whole) == "stop"
