"""What a short answer means. Facts: 47 CFR 64.1200(a)(10), Twilio's default keywords; the German
words are not among those, so they are ours to understand."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final


class Keyword(StrEnum):
    STOP = "STOP"
    START = "START"
    HELP = "HELP"
    NONE = ""


#: whole answers, without spaces and punctuation
STOP_ANSWERS: Final = frozenset({
    "stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel", "remove",
    "stopp", "stoppen", "abmelden", "abbestellen", "austragen", "löschen", "loeschen",
    "kündigen", "kuendigen", "ende", "keinesms", "keinewerbung",
    "arret", "arrêt", "baja",
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
    words = _words(text)
    whole = "".join(words)
    if whole in STOP_ANSWERS:
        return Keyword.STOP
    if len(words) <= FEW_WORDS and CLEAR_WORDS.intersection(words):
        return Keyword.STOP
    if whole in START_ANSWERS:
        return Keyword.START
    return Keyword.HELP if whole in HELP_ANSWERS else Keyword.NONE


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:200]).casefold()
    # casefolding may take a letter apart again
    folded = unicodedata.normalize("NFKC", folded)
    return "".join(letter if letter.isalnum() else " " for letter in folded).split()
