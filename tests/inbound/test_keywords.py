from __future__ import annotations

import pytest

from cart_recovery.inbound.keywords import Keyword, read_keyword


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop! ", "STOPP", "stopp.", "„Stopp“", "S.T.O.P.", "ＳＴＯＰ", "STOP 🛑",
        "\u200bSTOP\u200b", "Stop\n", "STOPALL", "Stop all", "unsubscribe", "Opt out", "opt-out",
        "OPTOUT", "Cancel", "END", "quit", "revoke", "abmelden", "Bitte abmelden", "ABBESTELLEN",
        "austragen", "löschen", "lo\u0308schen", "LÖSCHEN", "loeschen", "Kündigen", "KUENDIGEN",
        "Ende", "Keine SMS", "keine  sms!", "KEINE WERBUNG", "ARRET", "arrêt", "ARRÊT", "baja",
        "stop please", "bitte stop", "STOP SMS", "stoppen",
    ],
)  # fmt: skip
def test_a_no_is_understood(text):
    assert read_keyword(text) is Keyword.STOP


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "!", "🛑", "Danke", "Wo ist meine Bestellung?", "stopover", "Nonstop",
        "Ich komme morgen vorbei, kein Problem", "When does the offer end?",
        "Bitte nicht an der Haltestelle stop sondern am Haus abgeben", "STOPWATCH", "Ende August",
        "x" * 100_000,
    ],
)  # fmt: skip
def test_an_answer_that_is_no_keyword_is_left_alone(text):
    assert read_keyword(text) is Keyword.NONE


@pytest.mark.parametrize("text", ["START", "start.", "UNSTOP", "Yes"])
def test_a_start_is_understood(text):
    assert read_keyword(text) is Keyword.START


@pytest.mark.parametrize("text", ["HELP", "Hilfe?", "info"])
def test_a_call_for_help_is_understood(text):
    assert read_keyword(text) is Keyword.HELP
