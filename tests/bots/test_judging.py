"""Judging: a message is given up only when it is at fault itself, and never silently."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bots import delivery as delivery_module
from bots.judging import UNCERTAIN_TRIES_MAX
from core.channel import Outcome, Pace, Rejected, Sending, Sent, Unknown
from core.messages import MessageClass
from storage.database import Connection, Pool
from tests.bots.making_sending import FAST, queue, send_until

OUTCOMES = "select state, attempts, reason from outbox order by id"
CASES = "select count(*) from staff_case where kind = 'dead_message'"
NOTHING_WAITS = "select not exists (select from outbox where state in ('queued', 'sending', 'unknown'))"


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have lanes looked at all the time."""
    monkeypatch.setattr(delivery_module, "POLL_S", 0.01)


@dataclass
class Answering:
    """A messenger that answers each message as a test says, which is told how many it has had."""

    answer: Callable[[Sending, int], Outcome]
    asked: int = 0
    name: str = "telegram"
    pace: Pace = FAST

    async def send(self, sending: Sending) -> Outcome:
        self.asked += 1
        return self.answer(sending, self.asked)


async def outcomes(pool: Pool, db: Connection, platform: Answering) -> list[tuple[str, int, str | None]]:
    """The state, tries and reason of each message once none waits any more, no wait between tries being real."""
    await send_until(pool, db, platform, NOTHING_WAITS)
    return [tuple(row) for row in await db.fetch(OUTCOMES)]


async def test_a_confirmation_outlasts_a_messenger_that_is_down_for_long(pool: Pool, db: Connection) -> None:
    await queue(db, "paid", message_class=MessageClass.CONFIRMATION)
    tries = UNCERTAIN_TRIES_MAX * 3

    [(state, attempts, _)] = await outcomes(
        pool, db, Answering(lambda _, asked: Sent("1") if asked == tries else Unknown("500"))
    )

    assert (state, attempts) == ("sent", tries)
    assert await db.fetchval(CASES) == 0


async def test_a_message_that_alone_is_never_answered_ends_with_a_case(pool: Pool, db: Connection) -> None:
    await queue(db, "good", "bad")

    good, bad = await outcomes(
        pool,
        db,
        Answering(lambda sending, _: Sent("1") if sending.message.plain == "good" else Unknown("500")),
    )

    assert (good[0], bad) == ("sent", ("dead", UNCERTAIN_TRIES_MAX, "500"))
    assert await db.fetchval(CASES) == 1


async def test_a_broadcast_that_may_have_arrived_is_not_sent_again(pool: Pool, db: Connection) -> None:
    await queue(db, "news", message_class=MessageClass.BROADCAST)

    assert await outcomes(pool, db, Answering(lambda *_: Unknown("500"))) == [("dead", 1, "500")]


async def test_what_was_sent_is_not_sent_again_for_what_could_not_be_noted_of_it(
    pool: Pool, db: Connection
) -> None:
    await queue(db, "bill")

    [(state, attempts, _)] = await outcomes(
        pool, db, Answering(lambda *_: Sent("1", {"digest": "no \ud800 text"}))
    )

    assert (state, attempts) == ("sent", 1)


async def test_a_platforms_word_that_is_no_text_is_kept_without_what_is_none(
    pool: Pool, db: Connection
) -> None:
    await queue(db, "bad")

    assert await outcomes(pool, db, Answering(lambda *_: Rejected("a \0\ud800 word"))) == [
        ("dead", 1, "a ? word")
    ]
    assert await db.fetchval(CASES) == 1
