"""What must be true after any fault: facts entered once, replies delivered and in order, the books whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from itertools import groupby
from typing import Final

from benchmarks.ground import KEYS
from bots.simulator.telegram.state import chat_id_of
from core.messages import text
from core.wording import Words
from storage import outbox
from storage.database import Connection, connect
from storage.proof import verify
from tests.faults.ground import NOW, Neighbourhood
from tests.faults.living import Resident

_TAG: Final = re.compile(r"<[^>]+>")
SENDS: Final = ("sendMessage", "editMessageText")

# The readings that came by a chat.
READINGS: Final = """
select trim_scale(value)::text as value, count(*) as times from reading where chat_id is not null group by 1
"""
PAYMENTS: Final = "select external_id, count(*) as times from payment where way like 'acquirer%' group by 1"
MESSAGES: Final = """
select body, state from outbox join chat on chat.id = chat_id where address_hash = $1 order by outbox.id
"""


async def prove(here: Neighbourhood, residents: Sequence[Resident]) -> list[str]:
    """What is not as it must be; nothing if all is well."""
    async with connect(here.database.app) as db:
        wrong = [f"ledger: {fault}" for fault in await verify(db)]
        readings = {row["value"]: row["times"] for row in await db.fetch(READINGS)}
        expected = {str(each.reading): 1 for each in residents}
        if readings != expected:
            wrong.append(f"readings: {readings}, expected {expected}")
        payments = {row["external_id"]: row["times"] for row in await db.fetch(PAYMENTS)}
        paid = {number: 1 for each in residents for number in each.paid}
        if payments != paid or len(paid) != len(residents):
            wrong.append(f"payments: {payments}, expected {paid}")
        for each in residents:
            wrong += await _replies(db, here, each.chat)
    return wrong


async def _replies(db: Connection, here: Neighbourhood, chat: str) -> list[str]:
    """What is wrong with the replies of *chat*: each must have arrived, perhaps more than once, and in order."""
    rows = await db.fetch(MESSAGES, KEYS.address_hash("telegram", chat))
    unsent = [row["state"] for row in rows if row["state"] != "sent"]
    said = [_words(outbox.DECODER.decode(row["body"]).plain) for row in rows]
    arrived = [
        _words(unescape(_TAG.sub("", str(call.fields["text"]))))
        for call in here.telegram.calls
        if call.method in SENDS and call.code == 200 and str(call.fields["chat_id"]) == str(chat_id_of(chat))
    ]
    wrong = [f"{chat}: {state}" for state in unsent]
    if not is_stutter(arrived, said):
        wrong.append(f"{chat}: said {said}, arrived {arrived}")
    return wrong


def is_stutter(arrived: Iterable[str], said: Iterable[str]) -> bool:
    """Whether *arrived* is *said*, in its order, with none missing and some perhaps repeated at once."""
    runs = [[(words, len(list(same))) for words, same in groupby(each)] for each in (arrived, said)]
    came, went = runs
    return len(came) == len(went) and all(
        one == other and often >= once for (one, often), (other, once) in zip(came, went, strict=True)
    )


# What is put before a confirmation that is sent again.
_AGAIN: Final = " ".join(Words.of("ru", NOW.tzinfo).plain(text("sent-again")).split())


def _words(shown: str) -> str:
    return " ".join(shown.split()).removeprefix(_AGAIN).strip()
