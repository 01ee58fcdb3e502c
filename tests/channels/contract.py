"""What every channel must do. An adapter's test class inherits and fills in the fixtures."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import time

import pytest

from cart_recovery.channels.base import (
    CHANNEL_PAUSED,
    PROVIDER_FAILING,
    RATE_LIMITED,
    UNREACHABLE,
    OutcomeKind,
    OutgoingMessage,
)
from cart_recovery.channels.runs import RunLimits
from tests.channels.servers import Reply, free_port

ODD_TEXT = "Grüße 🛒 „Zitat“ – \u202ertl\u202c \u200b 日本語 ẞç\t€"


class ChannelContract:
    """Needs fixtures `make_channel(**options) -> Channel` and `accepted() -> int` (how many
    messages the provider has), and `to`, a format with one place for a number."""

    to = "kunde{}@example.de"

    def message(self, number: int = 1, **kwargs) -> OutgoingMessage:
        values = {
            "key": f"{number:032x}", "to": self.to.format(number), "language": "de",
            "subject": "Ihr Warenkorb", "html": "<p>Hallo</p>", "text": "Hallo",
            "headers": {"List-Unsubscribe": "<https://shop.example/u/abc>",
                        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
            "callback_url": f"https://shop.example/hooks/sms/status?message={number:032x}",
        }  # fmt: skip
        return OutgoingMessage(**{**values, **kwargs})

    def messages(self, count: int) -> list[OutgoingMessage]:
        return [self.message(number) for number in range(1, count + 1)]

    def test_nothing_happens_when_there_is_nothing_to_send(self, make_channel):
        assert make_channel().send([]) == []

    def test_a_message_is_accepted_with_the_providers_id(self, make_channel, accepted):
        (outcome,) = make_channel().send([self.message()])
        assert outcome.kind is OutcomeKind.ACCEPTED
        assert outcome.provider_message_id
        assert accepted() == 1

    def test_there_is_one_outcome_per_message_in_their_order(self, make_channel, accepted):
        channel = make_channel()
        outcomes = channel.send(self.messages(250))
        assert [o.kind for o in outcomes] == [OutcomeKind.ACCEPTED] * 250
        assert len({o.provider_message_id for o in outcomes}) == 250
        assert accepted() == 250

    def test_any_text_arrives(self, make_channel, accepted):
        message = self.message(subject=ODD_TEXT.replace("\t", " "), html=ODD_TEXT, text=ODD_TEXT)
        (outcome,) = make_channel().send([message])
        assert outcome.kind is OutcomeKind.ACCEPTED
        assert accepted() == 1

    def test_an_unforeseen_error_is_unknown_for_its_message_alone(self, make_channel, monkeypatch):
        channel = make_channel()
        channel.send([self.message(99)])
        open_lane, poisoned = channel.lane, self.message(2).key

        @contextlib.contextmanager
        def lane():
            with open_lane() as send_one:

                def fail(message):
                    if message.key == poisoned:
                        raise RuntimeError("boom")
                    return send_one(message)

                yield fail

        monkeypatch.setattr(channel, "lane", lane)
        kinds = [o.kind for o in channel.send(self.messages(3))]
        assert kinds == [OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED]

    def test_the_channel_works_again_after_it_was_closed(self, make_channel, accepted):
        channel = make_channel()
        channel.send([self.message(1)])
        channel.close()
        channel.close()
        assert channel.send([self.message(2)])[0].kind is OutcomeKind.ACCEPTED

    def test_the_check_has_nothing_to_say_when_all_is_well(self, make_channel):
        assert [m for m in make_channel().check() if m.is_serious()] == []

    def test_an_unknown_option_is_named(self, make_channel):
        (warning,) = [m for m in make_channel(NONSENSE=1).check() if m.id.endswith("W106")]
        assert "NONSENSE" in warning.msg

    def test_a_forked_process_sends_over_its_own_connections(self, make_channel, accepted):
        channel = make_channel()
        channel.send([self.message(1)])
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()

        def child() -> None:
            theirs.send([o.kind.value for o in channel.send([self.message(2), self.message(3)])])

        process = context.Process(target=child)
        process.start()
        assert ours.poll(20)
        assert ours.recv() == ["accepted", "accepted"]
        process.join()
        assert channel.send([self.message(4)])[0].kind is OutcomeKind.ACCEPTED


class HttpChannelContract(ChannelContract):
    """For providers that are called over HTTP. Needs the fixture `server` (tests.channels.servers)
    and `refusal(status, ...) -> Reply`, the provider's own kind of complaint."""

    @staticmethod
    def refusal(status: int, *, about_recipient: bool = True, to: str = "") -> Reply:
        raise NotImplementedError

    def send(self, make_channel, *replies: Reply, count: int = 1, proven: bool = False, **options):
        channel = make_channel(**options)
        if proven:
            channel.send([self.message(999)])
        channel._server.replies.extend(replies)
        return channel.send(self.messages(count))

    @pytest.mark.parametrize("status", [400, 413, 415, 422])
    def test_a_refused_message_is_permanent_and_alone(self, make_channel, status):
        outcomes = self.send(make_channel, Reply(status, body=b"{}"), count=3)
        assert sorted(o.kind for o in outcomes) == ["accepted", "accepted", "permanent"]
        (refused,) = [o for o in outcomes if o.kind is OutcomeKind.PERMANENT]
        assert refused.code == str(status)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_wrong_key_burns_one_recipient_and_stops(self, make_channel, server, status):
        server.default = lambda seen: self.refusal(status, about_recipient=False)
        outcomes = make_channel().send(self.messages(50))
        assert outcomes[0].kind is OutcomeKind.CONFIGURATION
        assert outcomes[0].was_tried
        assert {(o.kind, o.code, o.was_tried) for o in outcomes[1:]} == {
            (OutcomeKind.RETRY_SAFE, CHANNEL_PAUSED, False)
        }
        assert len(server.seen) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_refused(self, make_channel, server, status):
        headers = {"Location": f"{server.url}/elsewhere"}
        (outcome,) = self.send(make_channel, Reply(status, headers))
        assert outcome.kind is OutcomeKind.CONFIGURATION
        assert [seen.path for seen in server.seen if "elsewhere" in seen.path] == []

    def test_a_short_rate_limit_is_waited_for(self, make_channel, server):
        begun = time.monotonic()
        limit = Reply(429, {"Retry-After": "0.3"}, self.refusal(429).body)
        outcomes = self.send(make_channel, limit, count=5)
        assert {o.kind for o in outcomes} == {OutcomeKind.ACCEPTED}
        assert time.monotonic() - begun >= 0.3
        assert len(server.seen) == 6

    def test_a_rate_limit_without_a_time_is_waited_for(self, make_channel, server):
        outcomes = self.send(make_channel, *[self.refusal(429)] * 3, count=5)
        assert {o.kind for o in outcomes} == {OutcomeKind.ACCEPTED}
        assert len(server.seen) == 8

    def test_a_long_rate_limit_stops_the_run(self, make_channel, server):
        server.default = lambda seen: dataclasses.replace(
            self.refusal(429), headers={"Retry-After": "90"}
        )
        outcomes = make_channel().send(self.messages(40))
        assert {(o.kind, o.code, o.retry_after) for o in outcomes} == {
            (OutcomeKind.RETRY_SAFE, RATE_LIMITED, 90.0)
        }
        assert len(server.seen) == 1

    def test_a_server_error_is_unknown_and_never_repeated(self, make_channel, server):
        outcomes = self.send(make_channel, self.refusal(500), count=3)
        assert outcomes[0].kind is OutcomeKind.UNKNOWN
        assert {o.kind for o in outcomes[1:]} == {OutcomeKind.ACCEPTED}
        assert len(server.seen) == 3

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
    def test_every_server_error_is_unknown(self, make_channel, status):
        (outcome,) = self.send(make_channel, Reply(status, body=b"<html>nginx</html>"))
        assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, str(status))

    def test_a_failing_provider_does_not_use_up_the_whole_batch(self, make_channel, server):
        server.default = lambda seen: self.refusal(503)
        outcomes = make_channel().send(self.messages(100))
        tried = [o for o in outcomes if o.was_tried]
        assert {o.kind for o in tried} == {OutcomeKind.UNKNOWN}
        assert len(tried) == len(server.seen) == 2
        assert {(o.kind, o.code) for o in outcomes if not o.was_tried} == {
            (OutcomeKind.RETRY_SAFE, PROVIDER_FAILING)
        }

    def test_a_lost_answer_is_unknown(self, make_channel):
        (outcome,) = self.send(make_channel, Reply(delay=1.5), TIMEOUT=0.5)
        assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "timeout")

    def test_a_dropped_connection_is_unknown(self, make_channel, server):
        outcomes = self.send(make_channel, Reply(drop=True), count=2)
        assert [o.kind for o in outcomes] == [OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED]
        assert len(server.seen) == 2

    def test_a_refused_connection_is_safe_to_repeat(self, make_channel):
        channel = make_channel(BASE_URL=f"http://127.0.0.1:{free_port()}")
        outcomes = channel.send(self.messages(20))
        assert {o.kind for o in outcomes} == {OutcomeKind.RETRY_SAFE}
        assert [o.code for o in outcomes[:3]] == [UNREACHABLE, UNREACHABLE, PROVIDER_FAILING]

    def test_a_host_without_a_name_is_safe_to_repeat(self, make_channel):
        (outcome,) = make_channel(BASE_URL="https://nowhere.invalid").send([self.message()])
        assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY_SAFE, UNREACHABLE)

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>Login</html>", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 9000],
    )
    @pytest.mark.parametrize("status", [200, 201, 204])
    def test_a_success_that_is_not_the_providers_is_unknown(self, make_channel, status, body):
        body = b"" if status == 204 else body
        (outcome,) = self.send(make_channel, Reply(status, body=body))
        assert outcome.kind is OutcomeKind.UNKNOWN

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"{", b"[]", b'"text"', b"null", b"\xff", b"1"]
    )
    def test_a_complaint_in_any_words_is_sorted_by_its_status(self, make_channel, body):
        (outcome,) = self.send(make_channel, Reply(400, body=body))
        assert (outcome.kind, outcome.code) == (OutcomeKind.PERMANENT, "400")

    def test_an_endless_answer_is_cut(self, make_channel, server):
        outcomes = self.send(make_channel, Reply(400, body=b"x" * 5_000_000), count=2)
        assert sorted(o.kind for o in outcomes) == ["accepted", "permanent"]
        assert max(len(o.detail) for o in outcomes) <= 500

    def test_a_huge_message_is_sent(self, make_channel, server):
        message = self.message(text="ä" * 1_000_000)
        assert make_channel().send([message])[0].kind is OutcomeKind.ACCEPTED
        assert len(server.seen[0].body) > 1_000_000

    def test_connections_are_kept(self, make_channel, server):
        channel = make_channel(CONCURRENCY=4)
        for _ in range(3):
            channel.send(self.messages(40))
        assert len(server.seen) == 120
        assert server.connections <= 4

    def test_messages_go_out_side_by_side(self, make_channel, server):
        reply, server.default = server.default, lambda seen: Reply(503)
        server.default = lambda seen: dataclasses.replace(reply(seen), delay=0.1)
        channel = make_channel(CONCURRENCY=20)
        channel.send([self.message(500)])
        begun = time.monotonic()
        channel.send(self.messages(40))
        assert time.monotonic() - begun < 3.5

    def test_nothing_personal_is_left_with_the_provider_or_in_our_details(
        self, make_channel, server
    ):
        message = self.message()
        channel = make_channel()
        server.replies.append(self.refusal(400, to=message.to))
        (outcome,) = channel.send([message])
        assert message.to not in outcome.detail
        assert outcome.detail

    def test_a_run_ends_in_time_when_the_provider_is_slow(self, make_channel, server, monkeypatch):
        reply = server.default
        server.default = lambda seen: dataclasses.replace(reply(seen), delay=0.2)
        channel = make_channel(CONCURRENCY=2)
        monkeypatch.setattr(channel, "limits", lambda: RunLimits(lanes=2, time_budget=1.5))
        outcomes = channel.send(self.messages(50))
        assert outcomes[0].kind is OutcomeKind.ACCEPTED
        assert (outcomes[-1].kind, outcomes[-1].code) == (OutcomeKind.RETRY_SAFE, "out_of_time")
        assert not outcomes[-1].was_tried

    @pytest.mark.parametrize("option", ["BASE_URL", "TIMEOUT", "CONCURRENCY", "CA_BUNDLE"])
    def test_a_wrong_option_is_found_before_the_first_send(self, make_channel, server, option):
        channel = make_channel(**{option: "nonsense"})
        (error,) = [m for m in channel.check() if m.is_serious()]
        assert (error.id, option in error.msg) == ("cart_recovery.E104", True)
        outcomes = channel.send(self.messages(2))
        assert [o.kind for o in outcomes] == [OutcomeKind.CONFIGURATION, OutcomeKind.RETRY_SAFE]
        assert server.seen == []

    def test_a_missing_option_is_found_before_the_first_send(self, make_channel):
        for name in make_channel().required_options:
            channel = make_channel(**{name: ""})
            assert [m.id for m in channel.check() if m.is_serious()] == ["cart_recovery.E103"]
            assert channel.send([self.message()])[0].kind is OutcomeKind.CONFIGURATION
