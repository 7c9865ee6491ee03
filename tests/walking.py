"""A resident who tries everything: says many things and presses every button that is offered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from core.turns import CaseAnswered, Event, ReadingRejected
from storage import events
from tests.phones import LOOK_AGAIN_MS, PATIENCE_S, WAITING, Phone, TranscriptError
from tests.talking import Talk

# What a newcomer would type, wish by wish and awaited thing by awaited thing.
WISHES: Final = (
    "меню", "баланс", "квитанция", "история", "оплатить", "1500", "счета", "показания", "помощь", "контакты",
    "язык", "какие данные обо мне", "сотрудник", "Почему так дорого?", "спасибо", "абракадабра", "стоп", "отвязать",
    "удалить данные",
)  # fmt: skip
# Buttons that end what the walk is about, or lead nowhere new.
LET_BE: Final = ("unlinkyes", "eraseyes", "decline", "agree", "lang:en", "notme", "invite", "cancel")
PRESSES_MAX: Final = 60

# How many messages and presses of residents were taken.
TAKEN: Final = "select count(*) from inbox"


class Walk:
    """A talk that goes wherever it can, with what was said to the resident on its way."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.heard: list[dict[str, Any]] = []
        self._pressed: set[str] = set()
        self._to_press: list[tuple[Phone, int, str]] = []

    async def say(self, text: str) -> None:
        """Type *text* and hear what comes of it."""
        await self.talk.phone.do("say", text=text)
        await self.hear()

    async def hear(self) -> None:
        """Hear the answer, to its end, and note what it offers."""
        phone = self.talk.phone
        while (message := await phone.next()) is not None:
            self.heard.append(message)
            for key in (key for row in message["buttons"] for key in row):
                if key["kind"] == "press":
                    self._to_press.append((phone, message["id"], str(key["id"])))
            await self._until(WAITING, lambda found: found == 0)
            await phone.look()
            if not phone.unread:
                return

    async def press(self, payload: str) -> None:
        """Press the last message's first button whose payload begins so."""
        last = self.heard[-1]
        keys = [str(key["id"]) for row in last["buttons"] for key in row]
        button = next(key for key in keys if key.startswith(payload))
        await self.talk.phone.do("press", message=last["id"], button=button)
        await self.hear()

    async def press_everything(self) -> None:
        """Press each button that was offered and not pressed yet, in the order of offering."""
        while self._to_press and len(self._pressed) < PRESSES_MAX:
            phone, message, payload = self._to_press.pop(0)
            if payload in self._pressed or payload.startswith(LET_BE):
                continue
            # A button is gone once its message was edited or another keyboard came to the bottom.
            with suppress(TranscriptError):
                await self._press(phone, message, payload)

    async def _press(self, phone: Phone, message: int, payload: str) -> None:
        taken = await self._found(TAKEN)
        await phone.do("press", message=message, button=payload)
        self._pressed.add(payload)
        await self._until(TAKEN, lambda found: found > taken)
        await self._until(WAITING, lambda found: found == 0)
        await phone.look()
        # An answer may be an edit that changes nothing, which nobody sees.
        if phone.unread:
            await self.hear()

    async def happen(self, chat: int, *happened: Event) -> None:
        """Have *happened* told to *chat*."""
        for event in happened:
            async with self.talk.pool.acquire() as db, db.transaction():
                await events.add(db, [(chat, event)], now=self.talk.around.clock())
            await self.hear()

    async def _until(self, query: str, wanted: Callable[[int], bool]) -> None:
        """Wait until what *query* finds is *wanted*, or for as long as a resident would."""
        for _ in range(1000 * PATIENCE_S // LOOK_AGAIN_MS):
            if wanted(await self._found(query)):
                return
            await asyncio.sleep(LOOK_AGAIN_MS / 1000)

    async def _found(self, query: str) -> int:
        async with self.talk.pool.acquire() as db:
            return int(await db.fetchval(query))


def unasked(account: int, secret: str) -> tuple[Event, ...]:
    """What others write to a resident, with a *secret* in it."""
    return ReadingRejected(1, account, secret), CaseAnswered(1, secret)


def everything_in(value: object) -> Iterator[str]:
    """Every text in *value*, however deep: in records, in JSON within a text, in the bytes of a file."""
    match value:
        case str():
            yield value
            with suppress(ValueError):
                if not isinstance(inner := json.loads(value), str):
                    yield from everything_in(inner)
        case bytes():
            yield value.decode(errors="replace")
        case Mapping():
            yield from everything_in([*value.keys(), *value.values()])
        case Iterable():
            for each in value:
                yield from everything_in(each)
        case _ if is_dataclass(value) and not isinstance(value, type):
            yield from everything_in(asdict(value))
        case _:
            yield str(value)
