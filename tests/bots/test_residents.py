"""What residents and messengers do that no written talk shows: repeats, wrong order, many messages at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from bots.messengers import TELEGRAM_SECRET
from bots.simulator.surroundings import Surroundings
from bots.simulator.telegram.state import chat_id_of
from storage.database import Pool, open_pool
from tests.conftest import SECRETS, Database
from tests.phones import WAITING, Phone
from tests.talking import Talk

# Above all numbers that the stand-in gives its own updates in a test, and within Telegram's bounds.
FIRST_UPDATE = 2_100_000_000
# One turn runs, and so many more of a chat may wait.
WAITING_MAX = 30


@dataclass
class Resident:
    """A resident with a linked account, whose updates are brought to the webhook by hand."""

    talk: Talk
    pool: Pool
    http: aiohttp.ClientSession
    around: Surroundings

    @property
    def phone(self) -> Phone:
        return self.talk.phone

    async def update(self, number: int, words: str) -> int:
        """Bring the *number*-th update, in which *words* are said; returns the status of the answer."""
        user = {"id": chat_id_of("resident"), "is_bot": False, "first_name": "Анна"}
        body = {
            "update_id": FIRST_UPDATE + number,
            "message": {
                "message_id": 10_000 + number,
                "from": user,
                "chat": {"id": user["id"], "type": "private", "first_name": "Анна"},
                "date": int(self.around.clock().timestamp()),
                "text": words,
            },
        }
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRETS[TELEGRAM_SECRET]}
        address = f"{self.around.address}/webhooks/telegram"
        async with self.http.post(address, json=body, headers=headers) as answer:
            return answer.status

    async def heard(self) -> list[str]:
        """All that the bot said since, once nothing waits to be sent."""
        async with self.pool.acquire() as db:
            async with asyncio.timeout(15):
                while await db.fetchval(WAITING):  # noqa: ASYNC110  # the outbox has no event to await
                    await asyncio.sleep(0.005)
        await self.phone.look()
        said = [message["text"] for message in self.phone.unread]
        self.phone.unread.clear()
        return said

    async def count(self, query: str) -> int:
        async with self.pool.acquire() as db:
            return int(await db.fetchval(query))


READINGS = "select count(*) from reading where chat_id is not null"


@pytest.fixture
async def resident(around: Surroundings, inhabited: Database) -> AsyncIterator[Resident]:
    """A resident who has just linked an account in Telegram."""
    async with open_pool(inhabited.app) as pool, aiohttp.ClientSession() as http:
        talk = Talk(around, pool, http, "telegram")
        await talk.replay("linked", "linked a")
        yield Resident(talk, pool, http, around)


async def test_an_update_that_comes_again_changes_nothing_and_is_not_answered(resident: Resident) -> None:
    assert await resident.update(1, "хвс кухня 130") == 200

    statuses = await asyncio.gather(*(resident.update(2, "да") for _ in range(5)))
    again = [await resident.update(number, words) for number, words in ((1, "хвс кухня 130"), (2, "да"))]

    assert {*statuses, *again} == {200}
    card, receipt = await resident.heard()
    assert card.startswith("Проверьте показания")
    assert receipt.startswith("✅ Принято")
    assert await resident.count(READINGS) == 1


async def test_a_yes_that_comes_late_confirms_nothing_that_was_said_after_it(resident: Resident) -> None:
    await resident.update(2, "хвс кухня 130")
    await resident.heard()

    await resident.update(1, "да")

    assert await resident.count(READINGS) == 0
    assert len(await resident.heard()) == 1


async def test_what_was_asked_is_still_awaited_after_a_late_message(resident: Resident) -> None:
    for number, words in ((2, "хвс кухня 130"), (1, "баланс"), (3, "да")):
        await resident.update(number, words)

    assert (await resident.heard())[-1].startswith("✅ Принято")
    assert await resident.count(READINGS) == 1


async def test_a_button_pressed_twice_at_once_keeps_one_reading(resident: Resident) -> None:
    await resident.phone.do("say", text="хвс кухня 130")
    card = await resident.phone.next()
    assert card is not None
    save = card["buttons"][0][0]["id"]

    await asyncio.gather(*(resident.phone.do("press", message=card["id"], button=save) for _ in range(3)))

    for _ in range(3):
        assert await resident.phone.next() is not None
    assert await resident.count(READINGS) == 1


async def test_twenty_messages_at_once_are_answered_as_if_typed_slowly(resident: Resident) -> None:
    values = range(124, 134)

    for value in values:
        await resident.phone.do("say", text=f"хвс кухня {value}")
        await resident.phone.do("say", text="да")

    answers = [await resident.phone.next() for _ in range(20)]
    texts = [answer["text"] if answer else "" for answer in answers]
    for value, card, receipt in zip(values, texts[::2], texts[1::2], strict=True):
        assert f"…5333: {value} м³" in card
        assert receipt.startswith("✅ Принято")
        assert f"…5333: {value} м³" in receipt
    assert await resident.count(f"{READINGS} and status = 'received'") == 1
    assert await resident.count(f"{READINGS} and status = 'superseded'") == len(values) - 1
    assert await resident.heard() == []


async def test_of_forty_messages_at_once_some_are_dropped_and_that_is_told_once(resident: Resident) -> None:
    async with resident.pool.acquire() as db, db.transaction():
        # While its chat is locked, a first message is on its way and all others wait.
        await db.execute("select from chat for update")
        flood = [asyncio.create_task(resident.update(number, "спасибо")) for number in range(40)]
        dropped, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
    statuses = await asyncio.gather(*flood)

    assert dropped
    assert set(statuses) == {200}
    said = await resident.heard()
    told = [words for words in said if words.startswith("Сообщений пришло слишком много")]
    assert len(told) == 1
    assert 1 + WAITING_MAX <= len(said) <= 39
    assert {words for words in said if words not in told} == {"Пожалуйста. Рад был помочь."}
