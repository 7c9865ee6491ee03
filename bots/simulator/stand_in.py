"""A stand-in for a messenger as tests and the page use any of them: its faults, its calls, its phones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from aiohttp import web

from bots.simulator.faults import Faults
from bots.simulator.residents import ChatLog, Command, Picture, ResidentRefusedError

FaultsT = TypeVar("FaultsT", bound=Faults)
RecordedT = TypeVar("RecordedT")


class HasLog(Protocol):
    """A chat, with what its phone shows."""

    log: ChatLog


ChatT = TypeVar("ChatT", bound=HasLog)


class Server(Protocol[FaultsT, RecordedT]):
    """The platform's API, as the bot calls it."""

    faults: FaultsT
    calls: deque[RecordedT]

    def routes(self) -> Sequence[web.AbstractRouteDef]: ...

    def close(self) -> None: ...


class Way(Protocol):
    """How the bot hears of what residents do."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class StandIn(ABC, Generic[FaultsT, RecordedT, ChatT]):
    """What is the same for the residents of any messenger. *way* leads to the bot, *server* is what it calls."""

    def __init__(self, server: Server[FaultsT, RecordedT], way: Way) -> None:
        self._server = server
        self._way = way

    @property
    def faults(self) -> FaultsT:
        return self._server.faults

    @faults.setter
    def faults(self, faults: FaultsT) -> None:
        self._server.faults.over.set()
        self._server.faults = faults

    @property
    def calls(self) -> deque[RecordedT]:
        return self._server.calls

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return self._server.routes()

    async def open(self) -> None:
        await self._way.open()

    async def close(self) -> None:
        self._server.close()
        await self._way.close()

    def commands(self) -> Sequence[Command]:
        """None: most messengers have no menu of commands beside the chat."""
        return ()

    def log(self, chat: str) -> ChatLog:
        return self._known(chat).log

    def file(self, chat: str, name: str) -> Picture:
        self._known(chat)
        if (picture := self._picture(name)) is None:
            raise ResidentRefusedError(404, "no such file")
        return picture

    def _known(self, chat: str) -> ChatT:
        if (known := self._found(chat)) is None:
            raise ResidentRefusedError(404, f"chat {chat!r} was never started")
        return known

    def _awake(self, chat: str) -> ChatT:
        """The chat, from which something may be sent."""
        known = self._known(chat)
        if self._has_blocked(known):
            raise ResidentRefusedError(400, f"chat {chat!r} has blocked the bot; start or unblock first")
        return known

    # --- What differs ----------------------------------------------------------------------------

    @abstractmethod
    def _found(self, chat: str) -> ChatT | None: ...

    @abstractmethod
    def _has_blocked(self, chat: ChatT) -> bool: ...

    @abstractmethod
    def _picture(self, name: str) -> Picture | None: ...
