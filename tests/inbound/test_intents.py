"""47 CFR 64.1200(a)(10), PROVIDERS.md §2.1: any wording that a reasonable person reads as a no."""

from __future__ import annotations

import time

import pytest

from cart_recovery.inbound.keywords import Keyword, read_keyword

NO = [
    # slips, shouting, decoration
    "STPO", "sotp", "Stop!!!!", "STOOOOP", "Stopppp", "s t o p", "ＳＴＯＰ", "🛑 STOP 🛑", "stop🙏",
    "ST\u200bOP",
    "...stop...", "Stopp bitte!", "Abmeldung", "unsuscribe", "STOP STOP STOP", "Nein",
    "Nein danke!", "No thanks",
    # English
    "please stop sending me this", "Please stop texting me", "Stop sending me these messages!!",
    "STOP MESSAGING THIS NUMBER", "can you stop spamming me please", "Stop contacting me",
    "Make it stop",
    "Don't text me again", "don’t text me", "dont message me anymore",
    "Do not contact me ever again",
    "Never text this number again", "no more texts", "No more messages, please",
    "no more of this",
    "I don't want these messages", "I do not want to receive texts from you",
    "I no longer wish to get SMS",
    "delete me", "Delete my number from your system", "remove me", "Remove me from this list",
    "take me off your list", "Please remove my number", "Opt me out",
    "I want to opt out of this",
    "Unsubscribe me from everything right now", "leave me alone", "Leave me alone!!! 😡",
    "F*** off, stop this",
    "go away", "not interested, thanks anyway", "Wrong number, this is not Peter",
    "lose my number",
    "I never signed up for this", "I didn't subscribe to anything", "who gave you my number?",
    "I withdraw my consent", "This is spam", "cancel these texts", "could you guys please stop",
    "quit texting me", "I revoke my consent to these texts",
    # German
    "bitte keine SMS mehr", "Bitte keine weiteren SMS", "Keine SMS mehr bitte",
    "Ich will keine Werbung",
    "Ich möchte keine Nachrichten mehr bekommen", "keine Erinnerungen mehr!", "hört auf",
    "Hör auf damit",
    "Hören Sie bitte auf mir zu schreiben", "Könnt ihr bitte damit aufhören?",
    "lass mich in Ruhe",
    "Lasst mich endlich in Ruhe", "Lassen Sie mich bitte in Ruhe", "nerv nicht", "Das nervt",
    "Ihr nervt!!",
    "nicht mehr schreiben", "Bitte nicht mehr anschreiben", "Schreibt mir nicht mehr",
    "Schicken Sie mir bitte nichts mehr", "Kontaktieren Sie mich nie wieder",
    "Bitte mich nicht mehr kontaktieren",
    "Ich möchte das nicht mehr", "das will ich nicht", "Löschen Sie meine Nummer",
    "Bitte löscht meine Daten",
    "meine Nummer bitte löschen", "Nehmen Sie mich aus dem Verteiler",
    "Melden Sie mich bitte ab",
    "Ich möchte mich von diesen SMS abmelden", "Newsletter abbestellen", "kein Interesse",
    "Kein Bedarf, danke",
    "Falsche Nummer", "Woher haben Sie meine Nummer?",
    "Ich widerspreche der Nutzung meiner Daten",
    "Ich widerrufe meine Einwilligung", "Unterlassen Sie das", "Stoppt die SMS",
    "Schluss damit!",
    "verpisst euch", "Hiermit widerrufe ich", "Ich will nichts mehr von euch hören",
    "Bitte keine Mails und SMS",
    # in doubt it is a no
    "don't stop", "Please stop my order",
]  # fmt: skip
HARMLESS = [
    "Wann kommt mein Paket?", "The bus stop is near", "stoppen Sie bitte die Bestellung nicht",
    "Danke!",
    "Wo ist meine Bestellung?", "Ist die Kaffeemühle noch da?", "Is this still in stock?",
    "When will it arrive?",
    "Ich habe keine SMS mit dem Code bekommen", "I received no message about my parcel",
    "Ja, aber in blau",
    "Gibt es keine mehr in Größe 40?", "Are there no more blue ones?",
    "Kann ich die Bestellung stornieren?",
    "How do I cancel my order?", "Bitte an der Bushaltestelle Stop Nord abgeben, nicht am Haus",
    "Nonstop geöffnet?", "Ende August passt mir gut", "The weekend works for me",
    "I did not stop at the shop",
    "Can I still use the voucher at the end of the month?", "Ich melde mich morgen",
    "Bitte rufen Sie mich an",
    "Es reicht, wenn Sie am Montag liefern", "Mein Kaufvertrag: ich widerrufe ihn fristgerecht",
    "Did my parcel get lost?", "drop me a line when it is back",
    "Das Paket ist nicht angekommen",
    "I love these messages", "Super Service, weiter so", "?", "👍",
    "Ich möchte nicht lange warten",
    "My name is Stopford, is that on the label?", "Haben Sie die Lampe auch in Rot?", "x" * 5000,
]  # fmt: skip
YES = [
    "ja", "JA", "Ja!", "JA.", "ja bitte", "Ja, gerne!", "Jawohl", "y", "Yes please", "ok",
    "OK!", "Okay",
    "einverstanden", "Ich bin einverstanden", "Bestätigt", "ich stimme zu", "I agree",
    "Yes, thank you",
    "ja 👍", "ＪＡ", "confirm",
]  # fmt: skip
NOT_A_YES = ["ja?", "ok?", "ja, aber wann?", "vielleicht", "ja nein", "okay wann kommt es", "ja und nein",
             "Yesterday", "Januar", "jaguar", "January", "na ja", "kein ja", "👍"]  # fmt: skip


def test_the_tables_are_long_enough():
    assert len(NO) + len(HARMLESS) >= 80
    assert len(set(NO) | set(HARMLESS)) == len(NO) + len(HARMLESS)


@pytest.mark.parametrize("text", NO)
def test_a_no_in_any_words_is_a_no(text):
    assert read_keyword(text) is Keyword.STOP


@pytest.mark.parametrize("text", HARMLESS)
def test_a_question_or_praise_is_none(text):
    assert read_keyword(text) is Keyword.NONE


@pytest.mark.parametrize("text", YES)
def test_a_yes_is_a_yes(text):
    assert read_keyword(text) is Keyword.YES


@pytest.mark.parametrize("text", NOT_A_YES)
def test_what_is_no_plain_yes_confirms_nothing(text):
    assert read_keyword(text) not in (Keyword.YES, Keyword.START)


def test_yes_stays_twilios_keyword():
    assert read_keyword("YES") is Keyword.START


@pytest.mark.parametrize("text", ["keine " * 200, "do not want " * 100, "(" * 500, "stop " * 400])
def test_a_hostile_text_is_read_quickly(text):
    start = time.process_time()
    read_keyword(text * 10)
    assert time.process_time() - start < 10
