"""Customers are the same in every sandbox, and none of them can be a real person's address."""

from __future__ import annotations

import phonenumbers

from sandbox_shop.people import people


def test_people_are_the_same_whenever_they_are_made():
    assert list(people(60)) == list(people(80))[:60]


def test_no_address_can_reach_a_real_person():
    persons = list(people(400))
    assert len({person.email for person in persons}) == 400
    for person in persons:
        assert person.email.partition("@")[2] in {"example.com", "example.org", "example.net"}
        assert person.email.isascii()
        assert not person.phone or person.phone.startswith(("+4917139200", "+4917604069"))


def test_numbers_are_valid_mobile_numbers_and_nobody_shares_one():
    numbers = [person.phone for person in people(200) if person.phone]
    assert len(numbers) > 80
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE


def test_most_are_german_and_some_are_not():
    countries = [person.country for person in people(200)]
    assert countries.count("DE") > 100
    assert len(set(countries)) >= 5
