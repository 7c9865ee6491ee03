"""No token, phone, name, account number, sum or typed word is ever in the log, whatever happens."""

from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import aiohttp
import pytest

from bots.simulator.surroundings import Surroundings
from storage.database import Pool, connect, open_pool
from tests.conftest import SECRETS, Database
from tests.phones import TranscriptError
from tests.platforms import PLATFORMS
from tests.talking import Talk

TYPED = ("Здравствуйте, я Анна Петровна Ветрова", "телефон +7 912 345-67-89", "паспорт 4509 123456")
# Whatever is kept of a reading breaks a rule from now on, and PostgreSQL would show the row in its words.
BROKEN = "alter table kvitok.reading add constraint broken check (value < 0) not valid"
WHOLE = "alter table kvitok.reading drop constraint broken"
INCIDENT = re.compile(r"[0-9a-f]{8}")


@pytest.fixture
async def pool(inhabited: Database) -> AsyncIterator[Pool]:
    async with open_pool(inhabited.app) as pool:
        yield pool


async def said(talk: Talk, *words: str) -> str:
    """What the bot answers to the last of *words*."""
    answer = None
    for each in words:
        await talk._say(each)
        answer = await talk.phone.next()
        assert answer is not None, each
        with suppress(TranscriptError):  # a messenger may need two messages where another needs one
            await talk._expect_silence()
        talk.phone.unread.clear()
    return str(answer["text"]) if answer else ""


async def live(talk: Talk, database: Database) -> list[str]:
    """Link, hand in, ask, pay, complain and meet with an accident; what nobody should read of it."""
    account = talk.accounts[0]
    await said(talk, "start", "[Подключить]", "[Согласен]", account["number"], "[Код]", account["code"])
    balance = await said(talk, "баланс")
    reading = str(int(account["meters"][0]["last"]) + 7)
    await said(talk, f"хвс кухня {reading}", "[Сохранить]", "история", "квитанция")
    await talk._say("оплатить")
    await talk._expect(["*"])
    await talk._pay()
    confirmed = await talk.phone.next()
    assert confirmed is not None
    for typed in TYPED:
        await said(talk, "сотрудник", typed)
    async with connect(database.superuser) as admin:
        await admin.execute(BROKEN)
        apology = await said(talk, f"хвс кухня {int(reading) + 1}", "[Сохранить]")
        await admin.execute(WHOLE)
    [incident] = INCIDENT.findall(apology)
    sums = re.findall(r"\d[\d\xa0 ]*,\d\d", balance + confirmed["text"])
    assert sums
    return [incident, account["number"], account["code"], talk.link.rpartition("/")[2], *sums]


def spellings(secret: str) -> Iterator[str]:
    """*secret* as it may stand in a log: as it is, without its spaces, in kopecks."""
    yield secret
    bare = re.sub(r"[\s\xa0]", "", secret)
    yield bare
    if re.fullmatch(r"\d+,\d\d", bare):
        yield bare.replace(",", ".")
        yield bare.replace(",", "")


@pytest.mark.parametrize("channel", PLATFORMS)
async def test_a_residents_whole_talk_leaves_nothing_of_theirs_in_the_log(
    channel: str, written: io.BytesIO, around: Surroundings, inhabited: Database, pool: Pool
) -> None:
    async with aiohttp.ClientSession() as http:
        incident, *theirs = await live(Talk(around, pool, http, channel), inhabited)
    log = written.getvalue().decode()
    lines = [json.loads(line) for line in log.splitlines()]
    kept = {*theirs, *TYPED, "Ветрова", "912 345", "4509 123456", *SECRETS.values()}

    assert {line["event"] for line in lines} >= {"turn.done", "turn.closed", "payment.settled"}
    assert [line["incident"] for line in lines if line["event"] == "turn.closed"] == [incident]
    plain = log.replace("\\u00a0", " ")
    assert [each for secret in kept for each in spellings(secret) if len(each) > 4 and each in plain] == []
