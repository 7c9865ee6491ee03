"""The history of a group's chats: what residents said while no webhook was subscribed, and what we did send.

Where it bites: messages come latest first, so `from` is later than `to`; the group's own stand among them;
presses do not. What was handled long ago comes too: its key says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from adapters.calling import listed
from adapters.odnoklassniki_api import OkApi
from adapters.odnoklassniki_updates import CHAT, NAME, SEQ_BITS, decode_history, seq_in
from core.errors import UnusableUpdateError
from core.messages import Incoming

log = structlog.get_logger()

LOOK_BACK_MESSAGES: Final = 5
# https://apiok.ru/dev/graph_api/methods/graph.user/graph.user.chats/get
CHATS_PAGE: Final = 100
MESSAGES_PAGE: Final = 100
PAGES_MAX: Final = 50
PAUSE_S: Final = 0.3
# Their clock may be ahead of ours.
AHEAD: Final = timedelta(minutes=5)


async def sent_since(api: OkApi, chat: str, words: str, since: datetime) -> str | None:
    """The id of the newest message in *chat* that says *words* and is not older than *since*; raises as *api*."""
    answer = await api.get("me", "messages", chat, query={"count": LOOK_BACK_MESSAGES})
    for each in listed(answer, "messages"):
        match each:
            case {"message": {"text": str(text), "mid": str(mid)}} if text == words:
                if seq_in(mid) >> SEQ_BITS >= _ms(since):
                    return mid
            case _:
                pass
    return None


async def said_since(api: OkApi, since: datetime, *, now: datetime) -> Sequence[Incoming]:
    """All that residents wrote since, in any chat and in its order; raises as *api* does."""
    group = str((await api.get("me", "info")).get("group_id", ""))
    found: list[Incoming] = []
    async for chat in _chats(api, _ms(since)):
        name, people = chat.get("chat_id"), chat.get("participants")
        if isinstance(name, str) and CHAT.fullmatch(name) and isinstance(people, dict):
            residents = {each for each in people if _number(each) != _number(group)}
            found += [each async for each in _said_in(api, name, residents, _ms(since), _ms(now + AHEAD))]
    return sorted(found, key=lambda update: update.order)


async def _chats(api: OkApi, since_ms: int) -> AsyncIterator[Mapping[str, Any]]:
    """The chats in which something happened since; the platform names the latest first."""
    query: dict[str, str | int] = {"count": CHATS_PAGE}
    for _ in range(PAGES_MAX):
        answer = await api.get("me", "chats", query=query)
        for chat in listed(answer, "chats"):
            if isinstance(last := chat.get("lastEventTime"), int) and last < since_ms:
                return
            yield chat
        if not answer.get("marker"):
            return
        query["marker"] = str(answer["marker"])
        await asyncio.sleep(PAUSE_S)


async def _said_in(
    api: OkApi, chat: str, residents: Collection[str], since_ms: int, until_ms: int
) -> AsyncIterator[Incoming]:
    """What *residents* said in *chat*, the latest first."""
    for _ in range(PAGES_MAX):
        query = {"from": until_ms, "to": since_ms, "count": MESSAGES_PAGE}
        page = listed(await api.get("me", "messages", chat, query=query), "messages")
        for each in page:
            for update in _remembered(each, residents):
                yield update
        times = [at for each in page if isinstance(at := each.get("timestamp"), int)]
        if len(page) < MESSAGES_PAGE or not times or min(times) >= until_ms:
            return
        until_ms = min(times)
        await asyncio.sleep(PAUSE_S)


def _remembered(message: Mapping[str, Any], residents: Collection[str]) -> Sequence[Incoming]:
    try:
        return decode_history(message, people=residents)
    except UnusableUpdateError as error:
        log.warning("update.unusable", channel=NAME, reason=error.reason)
        return ()


def _number(name: str) -> str:
    """An id without its kind: the group may stand as a user of the same number in its own chats."""
    return name.rpartition(":")[2]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
