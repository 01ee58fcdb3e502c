"""What people write who want no more messages, beyond the keywords: phrases as data.

47 CFR 64.1200(a)(10): any wording that a reasonable person understands as a no is one. So the lists
are broad and a doubt is a no: who is unsubscribed by mistake can say START, who is not unsubscribed
is wronged. tests/inbound/test_intents.py says what they must and must not catch.

A phrase is found as whole words anywhere in an answer. `(a|b c)` is one of these, `*` up to three
words, `[texts]` what we send. It is written as `normalized` leaves text: no capitals, `ä` as `ae`,
`don't` as `do not`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

#: what is sent to people, in their words
TEXTS: Final = (
    "text|texts|texting|sms|message|messages|messaging|msg|msgs|reminder|reminders|ad|ads|spam|"
    "advertising|advertisement|advertisements|promo|promos|promotions|marketing|newsletter|"
    "nachricht|nachrichten|werbung|werbesms|werbe sms|erinnerung|erinnerungen|mitteilungen|"
    "infos|angebote|mails|benachrichtigungen|kurznachrichten"
)
ENGLISH: Final[Sequence[str]] = (
    "stop (this|it|that|these|those|now|already|pls|plz|please)",
    "(please|pls|plz|just) stop$",
    "stop * (sending|contacting|writing|spamming|bothering|harassing|[texts])",
    "(make|want) (it|this|these|them|you) * (stop|to stop|stopped)",
    "(do not|never|not to) * (text|message|msg|contact|spam|bother) (me|us|this number|again)",
    "(do not|never) (text|message|contact)",
    "(do not|never) * (send|write) * (me|us|[texts]|anything|anymore)",
    "(no more|no further) * ([texts])", "no more (please|of this|of these|pls)",
    "(do not|no longer) (want|wish|need) * ([texts]|this|these|any|to receive|to get|to hear)",
    "no longer (want|wish|interested)", "(cancel|quit|discontinue) * ([texts])",
    "(remove|delete|unsubscribe|erase) (me|us)",
    "take me off", "get me off", "(me|number) off * (list|lists)",
    "(remove|delete|erase|lose|forget|drop) my * (number|phone|contact|details|data|info)",
    "(remove|delete|take|off) * (list|lists|database)", "opt * out", "opting out", "unsubscribe",
    "unsubscribed", "unsub",
    "leave (me|us) alone", "shut up", "fuck off", "fuck you", "piss off",
    "not interested", "wrong (number|person)", "who gave you * number", "i revoke", "revoke my",
    "withdraw my", "i withdraw", "(i never|i did not|never) (signed up|sign up|subscribed|subscribe|"
    "agreed|agree|consented|consent|asked|ask)", "report * spam", "reporting * spam",
    "this is spam",
    "harassment", "harassing me", "enough already", "thats enough",
)  # fmt: skip
GERMAN: Final[Sequence[str]] = (
    "(hoer|hoert) (auf|damit auf)", "hoeren sie * auf", "aufhoeren", "schluss (damit|mit|jetzt)",
    "(lass|lasst|lasse|lassen|lassen sie) (mich|uns) * (ruhe|frieden)", "in ruhe lassen",
    "meine ruhe", "(nerv|nervt|nerve|nerven|nerven sie) (nicht|mich nicht)",
    "(das|ihr|du|es|sie) (nervt|nerven|nervst)", "nerven sie",
    "nicht mehr * (schreiben|anschreiben|senden|schicken|kontaktieren|belaestigen|zusenden|melden|"
    "texten|simsen|erinnern|angeschrieben|kontaktiert|belaestigt)",
    "(schreib|schreibt|schreiben|schick|schickt|schicken|sende|sendet|senden|kontaktier|kontaktiert|"
    "kontaktieren) * (nicht mehr|nichts mehr|nie wieder|nie mehr|keine [texts])",
    "(nie wieder|nie mehr|nicht wieder|nicht weiter) * (anschreiben|schreiben|kontaktieren|schicken)",
    "(moechte|will|moechten|wollen|wuensche) * (nicht mehr|nicht laenger|nichts mehr) * (erhalten|"
    "bekommen|haben|kontaktiert|angeschrieben|erinnert)",
    "(moechte|will|wuensche|moechten|wollen) (das|die|diese|dies) * (nicht mehr|nicht laenger|nicht)",
    "nichts mehr von (ihnen|euch|dir)", "(will|moechte) nichts mehr", "(will|moechte) ich nicht",
    "keine * ([texts]) (mehr|bitte|danke|erwuenscht|gewuenscht)", "bitte keine * ([texts])",
    "keine (weiteren|weitere) * ([texts])",
    "(will|moechte|wuensche|wollen|brauche|erwuensche) * keine * ([texts])",
    "(stopp|stoppt|stoppen|stop|beende|beendet|beenden) * ([texts])",
    "(stopp|stoppt|stop) (das|dies|es|bitte|jetzt|damit)", "bitte (stopp|stop)$",
    "(melde|melden|meldet|trage|tragen|tragt|nehmt|nehmen|nimm) * mich * (ab|aus|raus|von der liste)",
    "mich * (abmelden|austragen|loeschen|entfernen|streichen)",
    "([texts]) * (abmelden|abbestellen|kuendigen|stoppen|beenden|einstellen|unterlassen)",
    "(bitte|sofort) (abmelden|abbestellen|austragen|loeschen)",
    "(meine|diese) * (nummer|handynummer|telefonnummer|daten) * (loeschen|entfernen|vergessen|sperren)",
    "(loesch|loescht|loesche|loeschen|entferne|entfernen|entfernt|streicht|streichen|vergiss|vergesst) * "
    "(mich|meine nummer|meine handynummer|meine telefonnummer|meine daten)",
    "(aus|von) * (verteiler|kartei)", "kein (interesse|bedarf)", "nicht interessiert",
    "ohne mich",
    "falsche (nummer|person)", "woher * meine nummer", "widerspreche",
    "widerrufe * (einwilligung|zustimmung|erlaubnis|[texts])",
    "ziehe * (einwilligung|zustimmung|erlaubnis)",
    "(unterlassen|unterlasst|unterlass) (sie|das|es|dies|bitte)",
    "(verschont|verschonen|verschone|verschonen sie) (mich|uns)", "belaestigung", "belaestigt",
    "(das|dies) ist spam", "(verpiss|verpisst) (dich|euch)", "(halt|haltet) die (klappe|fresse)",
    "(geht weg|haut ab|hau ab)",
)  # fmt: skip

#: whole answers that are STOP with a slip of the thumb
TYPOS: Final = frozenset({
    "stpo", "sotp", "tsop", "sto", "stoip", "stiop", "stol", "stip", "stopo", "stpp", "dtop",
    "atop",
    "stpop", "satop", "sstop", "wstop", "stp", "stup", "stob", "stopt", "stopl", "sotpp", "stopn",
    "unsubcribe", "unsuscribe", "unsubscibe", "unsubsribe", "unsubscrib", "unsubcsribe",
    "abmeldung", "abmelen", "abmlden", "abmelde", "abmeldem", "abemlden", "abbesteln",
    "abestellen",
})  # fmt: skip

#: answers that agree, whole and without politeness; START and YES are keywords (see `keywords`)
YES_ANSWERS: Final = frozenset({
    "ja", "jaja", "jawohl", "jep", "yes", "y", "j", "yep", "yup", "ok", "okay", "einverstanden",
    "ichstimmezu", "stimmezu", "bestaetige", "bestaetigt", "ichbestaetige", "ichbineinverstanden",
    "bineinverstanden", "iagree", "agree", "agreed", "confirm", "confirmed", "iconfirm", "jaok",
    "okja", "jaichwill", "jaichmoechte", "jaichbestaetige", "yesiagree", "yesiconfirm", "yesido",
    "jaeinverstanden", "jaichbineinverstanden", "jaichstimmezu",
})  # fmt: skip
POLITE: Final = frozenset({
    "bitte", "please", "pls", "plz", "danke", "thanks", "thank", "you", "thx", "gern", "gerne",
    "sehr", "klar", "natuerlich",
})  # fmt: skip

#: what is read of an answer
MAX_LENGTH: Final = 500
_TRANSCRIPTION: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_APOSTROPHES: Final = re.compile("[’'`´ʼ]")
_CONTRACTIONS: Final = {"dont": "do not", "didnt": "did not", "doesnt": "does not", "im": "i am"}


def normalized(text: str) -> str:
    """Words in small letters with single spaces; no punctuation, emoji or invisible characters."""
    text = unicodedata.normalize("NFKC", text[:MAX_LENGTH]).casefold()
    # casefolding may take a letter apart again
    text = unicodedata.normalize("NFKC", text).translate(_TRANSCRIPTION)
    text = _APOSTROPHES.sub("", text)
    visible = [c for c in text if unicodedata.category(c) != "Cf"]
    words = "".join(c if c.isalnum() else " " for c in visible).split()
    return " ".join(_CONTRACTIONS.get(word, word) for word in words)


def wants_no_more(text: str) -> bool:
    """Whether a normalized answer says in words of its own that no more is wanted."""
    return text in TYPOS or _PATTERN.search(text) is not None


def agrees(text: str, original: str) -> bool:
    """Whether a normalized answer is a yes and nothing else. In doubt it is none."""
    if "?" in original or "？" in original:
        return False
    return "".join(word for word in text.split() if word not in POLITE) in YES_ANSWERS


def _compiled(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_pattern(phrase) for phrase in phrases))


def _pattern(phrase: str) -> str:
    pieces = re.findall(r"\([^)]*\)|\S+", phrase.replace("[texts]", TEXTS))
    found = [r"(?:\w+ ){0,3}" if piece == "*" else f"(?:{piece}) " for piece in pieces]
    return rf"\b{''.join(found)[:-1]}\b"


_PATTERN: Final = _compiled([*ENGLISH, *GERMAN])
