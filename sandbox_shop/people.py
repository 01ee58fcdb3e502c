"""Who shops here: names, addresses, numbers, the same in every sandbox. All are made up."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from faker import Faker

SEED: Final = 4711
#: Faker's locale -> country, language of the person, share of the customers
ORIGINS: Final = (
    ("de_DE", "DE", "de", 68), ("de_AT", "AT", "de", 8), ("de_CH", "CH", "de", 6),
    ("en_GB", "GB", "en", 7), ("nl_NL", "NL", "en", 4), ("fr_FR", "FR", "en", 4),
    ("da_DK", "DK", "en", 3),
)  # fmt: skip
#: people with other names live in Germany as well
OTHER_NAMES: Final = ("tr_TR", "pl_PL", "it_IT", "hr_HR", "vi_VN", "es_ES")
#: mobile numbers that the German regulator keeps free for films and books, a hundred each
FICTIONAL_NUMBERS: Final = ("+4917139200{:02d}", "+4917604069{:03d}")
LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "æ": "ae",
                               "å": "aa", "ł": "l", "ı": "i", "đ": "d"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One shopper. `phone` is E.164 or empty."""

    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    postcode: str
    city: str
    country: str
    language: str


def people(count: int) -> Iterator[Person]:
    """The first `count` of them; the n-th is always the same person."""
    chance = random.Random(SEED)
    fakers = {name: _faker(name) for name in (*OTHER_NAMES, *(row[0] for row in ORIGINS))}
    for number in range(count):
        locale, country, language, _share = chance.choices(
            ORIGINS, weights=[row[3] for row in ORIGINS]
        )[0]
        has_other_name = country == "DE" and chance.random() < 0.15
        names = fakers[chance.choice(OTHER_NAMES) if has_other_name else locale]
        first, last = names.first_name(), names.last_name()
        home = fakers[locale]
        yield Person(
            first, last, _email(first, last, number), _phone(country, number, chance),
            home.street_address().replace("\n", ", "), home.postcode(), home.city(), country,
            language,
        )  # fmt: skip


def _faker(locale: str) -> Faker:
    faker = Faker(locale)
    faker.seed_instance(SEED)
    return faker


def _email(first: str, last: str, number: int) -> str:
    """At one of the names that RFC 2606 keeps free: nobody ever gets mail there."""
    domain = ("example.com", "example.org", "example.net")[number % 3]
    return f"{_plain(first)}.{_plain(last)}{number}@{domain}"


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name.lower().translate(LETTERS))
    return re.sub(r"[^a-z]+", "", text)


def _phone(country: str, number: int, chance: random.Random) -> str:
    block, last_digits = divmod(number, 100)
    if chance.random() > 0.75 or country != "DE" or block >= len(FICTIONAL_NUMBERS):
        return ""
    return FICTIONAL_NUMBERS[block].format(last_digits)
