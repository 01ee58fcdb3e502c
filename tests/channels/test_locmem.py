from __future__ import annotations

import pytest

from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.locmem import LocmemChannel
from tests.channels.contract import ChannelContract


@pytest.fixture(autouse=True)
def empty_outbox():
    LocmemChannel.reset()
    yield
    LocmemChannel.reset()


class TestLocmem(ChannelContract):
    @pytest.fixture
    def make_channel(self):
        return lambda **options: LocmemChannel("email", options)

    @pytest.fixture
    def accepted(self):
        return lambda: len(LocmemChannel.outbox)

    def test_answers_are_given_as_told(self, make_channel):
        safe = Outcome(OutcomeKind.RETRY_SAFE, code="x")
        LocmemChannel.answers += [safe, RuntimeError(), lambda m: Outcome(OutcomeKind.PERMANENT)]
        kinds = [o.kind for o in make_channel().send(self.messages(4))]
        assert kinds == ["retry_safe", "unknown", "permanent", "accepted"]
        assert [m.channel for m in LocmemChannel.outbox] == ["email"]
