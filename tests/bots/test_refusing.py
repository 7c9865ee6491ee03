"""A message that turned out not to be shown is dead, and staff see it."""

import pytest

from bots.refusing import Refusals
from core.channel import Refused
from core.messages import Message, Span
from storage import outbox
from storage.database import Connection, Pool
from storage.outbox import Outgoing
from tests.storage.making_residents import KEYS, NOW, make_chat

SENT = "update outbox set state = 'sent', platform_message = $1, sent_at = clock_timestamp()"
STATES = "select state, reason from outbox"
CASES = "select kind, chat_id, facts ->> 'why' as why from staff_case"


@pytest.fixture
def refusals(pool: Pool) -> Refusals:
    return Refusals(pool, keys=KEYS, now=lambda: NOW)


async def rows(db: Connection, asked: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await db.fetch(asked)]


async def a_sent_message(db: Connection, number: str) -> int:
    """The chat that a message went to, which the platform calls *number*."""
    chat = await make_chat(db, "resident", channel="viber")
    async with db.transaction():
        await outbox.add(db, [Outgoing(chat, "viber", Message((Span("Здравствуйте"),)))])
    await db.execute(SENT, number)
    return chat


async def test_a_message_that_was_not_shown_is_dead_and_a_case_of_staff(
    refusals: Refusals, db: Connection
) -> None:
    chat = await a_sent_message(db, "17 18")
    refused = (Refused("resident", "18", "not shown: bad keyboard"),)

    await refusals.note("viber", refused)
    await refusals.note("viber", refused)

    assert await rows(db, STATES) == [("dead", "not shown: bad keyboard")]
    assert await rows(db, CASES) == [("dead_message", chat, "not shown: bad keyboard")]


@pytest.mark.parametrize(
    ("channel", "refused"),
    [
        ("viber", Refused("resident", "1", "not shown")),
        ("viber", Refused("neighbour", "17", "not shown")),
        ("telegram", Refused("resident", "17", "not shown")),
    ],
)
async def test_a_message_of_another_chat_or_number_is_left_alone(
    refusals: Refusals, db: Connection, channel: str, refused: Refused
) -> None:
    await a_sent_message(db, "17")

    await refusals.note(channel, [refused])

    assert await rows(db, STATES) == [("sent", None)]
    assert await db.fetchval("select count(*) from staff_case") == 0
