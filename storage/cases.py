"""What needs a person: cases opened by dialogues, read and answered by staff."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from core.questions import AddToCase, OpenCase
from core.turns import CaseAnswered
from storage import events
from storage.database import Connection

# The facts that hold a photo, and those that are a resident's own words; further ones of a name are numbered.
PHOTOS: Final = "photo"
WORDS: Final = "question|caption"
PHOTO: Final = re.compile(rf"(?:{PHOTOS})(_[0-9]+)?")


def facts_without(*names: str) -> str:
    """The SQL of a case's facts without those of *names*."""
    pattern = f"^({'|'.join(names)})(_[0-9]+)?$"
    return f"facts - array(select name from jsonb_object_keys(facts) as name where name ~ '{pattern}')"  # noqa: S608  # ours


# Opens cases in the order of turns.
OPEN: Final = """
insert into staff_case (kind, chat_id, account_id, facts, opened_at)
select kind, chat_id, account_id, facts, at
from unnest($1::text[], $2::bigint[], $3::bigint[], $4::jsonb[], $5::timestamptz[])
  with ordinality as asked (kind, chat_id, account_id, facts, at, place)
order by place
returning id
"""


async def open_case(db: Connection, asked: Sequence[OpenCase]) -> list[int]:
    """Open a case for staff each; returns their numbers."""
    rows = await db.fetch(
        OPEN,
        [question.kind for question in asked],
        [question.chat for question in asked],
        [question.account for question in asked],
        [dict(question.facts) for question in asked],
        [question.at for question in asked],
    )
    return [row["id"] for row in rows]


IS_OPEN: Final = "select exists (select from staff_case where kind = $1 and state = 'open')"


async def is_open(db: Connection, kind: str) -> bool:
    """Whether a case of *kind* is open, so that staff need not be told again."""
    return bool(await db.fetchval(IS_OPEN, kind))


# The facts of cases that may still be added to, by chat.
LOCK_FACTS: Final = """
select id, chat_id, facts from staff_case
where id = any($1::bigint[]) and state <> 'closed'
order by id for update
"""

SET_FACTS: Final = """
update staff_case set facts = told.facts
from unnest($1::bigint[], $2::jsonb[]) as told (id, facts)
where staff_case.id = told.id
"""


async def add_to_case(db: Connection, asked: Sequence[AddToCase]) -> list[bool]:
    """Add facts to cases of their own chats; a second fact of one name is numbered, none is lost."""
    rows = await db.fetch(LOCK_FACTS, sorted({question.case for question in asked}))
    cases = {(row["id"], row["chat_id"]): dict(row["facts"]) for row in rows}
    added = []
    for question in asked:
        facts = cases.get((question.case, question.chat))
        added.append(facts is not None)
        for name, value in question.facts if facts is not None else ():
            _add(facts or {}, name, value)
    await db.execute(SET_FACTS, [case for case, _ in cases], list(cases.values()))
    return added


def _add(facts: dict[str, Any], name: str, value: str) -> None:
    taken = sum(known == name or known.startswith(f"{name}_") for known in facts)
    facts[f"{name}_{taken + 1}" if taken else name] = value


# --- Staff -------------------------------------------------------------------------------------------


class Case(msgspec.Struct, frozen=True):
    """A case as staff see it. *account*: the account's number, '' for none; *channel*: its chat's messenger."""

    number: int
    kind: str
    state: str
    account: str
    facts: Mapping[str, Any]
    answer: str
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    channel: str
    answered_by: str

    @property
    def photos(self) -> tuple[str, ...]:
        """The references of its photos, by which their messenger gives them out."""
        return tuple(str(value) for name, value in self.facts.items() if PHOTO.fullmatch(name))


COLUMNS: Final = """
select staff_case.id, kind, state, coalesce(account.number, '') as account, facts,
  coalesce(answer, '') as answer, opened_at, answered_at, staff_case.closed_at,
  coalesce(chat.channel, '') as channel,
  coalesce((
    select who from staff_action where case_id = staff_case.id and action = 'answer' order by id desc limit 1
  ), '') as answered_by
from staff_case
left join account on account.id = staff_case.account_id
left join chat on chat.id = staff_case.chat_id
"""

# The cases in a state, or all of them, oldest first.
LISTED: Final = f"{COLUMNS} where $1::text is null or state = $1 order by staff_case.id limit $2"
SHOWN: Final = f"{COLUMNS} where staff_case.id = $1"


def _case_from(row: asyncpg.Record) -> Case:
    return Case(*row.values())


async def list_cases(db: Connection, *, state: str | None = "open", most: int = 200) -> list[Case]:
    """The cases in *state* ('open', 'answered', 'closed'; None: in any), oldest first."""
    return [_case_from(row) for row in await db.fetch(LISTED, state, most)]


async def show_case(db: Connection, number: int) -> Case | None:
    """The case of this number, if there is one."""
    rows = await db.fetch(SHOWN, number)
    return _case_from(rows[0]) if rows else None


class AnsweredBefore(msgspec.Struct, frozen=True):
    """The case has an answer, of *at*; *who* gave it, '' where that is not known."""

    at: datetime
    who: str


# Keeps the answer to a case that is not closed, and has none yet or may have another; gives its chat.
ANSWER: Final = """
update staff_case set answer = $2, state = 'answered', answered_at = $3
where id = $1 and state <> 'closed' and ($4 or answered_at is null)
returning chat_id
"""


async def answer_case(
    db: Connection, number: int, answer: str, *, now: datetime, again: bool = False
) -> bool | AnsweredBefore | None:
    """Answer a case: whether a chat will be told; None where there is no such case or it is closed.

    A case that has an answer gets another only *again*. To be called in a transaction: the answer and the
    word to the chat go together.
    """
    rows = await db.fetch(ANSWER, number, answer, now, again)
    if not rows:
        return await _answered_before(db, number)
    chat = rows[0]["chat_id"]
    if chat is None:
        return False
    await events.add(db, [(chat, CaseAnswered(case=number, answer=answer))], now=now)
    return True


async def _answered_before(db: Connection, number: int) -> AnsweredBefore | None:
    case = await show_case(db, number)
    if case is None or case.state == "closed" or case.answered_at is None:
        return None
    return AnsweredBefore(case.answered_at, case.answered_by)


CLOSE: Final = """
update staff_case set state = 'closed', closed_at = $2 where id = $1 and state <> 'closed' returning id
"""


async def close_case(db: Connection, number: int, *, now: datetime) -> bool:
    """Close a case; False where there is none or it is closed already."""
    return await db.fetchval(CLOSE, number, now) is not None


# Closes the case about a payment that was put aside; what its transfer said of its payer is needed no more.
CLOSE_PAYMENT: Final = """
update staff_case set state = 'closed', closed_at = $2, facts = facts - 'purpose'
where kind = 'payment_aside' and facts ->> 'payment' = $1 and state <> 'closed'
"""


async def close_payment_case(db: Connection, payment: int, *, now: datetime) -> None:
    """Close the case about *payment*, whose account was found."""
    await db.execute(CLOSE_PAYMENT, str(payment), now)


# --- What is kept no longer --------------------------------------------------------------------------

# Ends what was said in cases: 30 days after the answer, or after the beginning where there is none. A question
# that has had none by then can be answered no more.
FORGET_WORDS: Final = f"""
update staff_case set facts = {facts_without(WORDS)}, answer = null,
  state = case when kind = 'question' then 'closed' else state end,
  closed_at = case when kind = 'question' then coalesce(closed_at, $1) else closed_at end
where coalesce(answered_at, opened_at) < $1::timestamptz - interval '30 days'
  and (answer is not null or facts ?| array['question', 'caption'])
"""  # noqa: S608  # the names of facts are ours

# Ends photos after 90 days; a case that was no more than a photo is over.
FORGET_PHOTOS: Final = f"""
update staff_case set facts = {facts_without(PHOTOS)},
  state = case when kind in ('question', 'meter_photo') then 'closed' else state end,
  closed_at = case when kind in ('question', 'meter_photo') then coalesce(closed_at, $1) else closed_at end
where opened_at < $1::timestamptz - interval '90 days' and facts ? 'photo'
"""  # noqa: S608  # as above


async def forget(db: Connection, *, now: datetime) -> None:
    """Drop residents' words and staff's answers after 30 days, photos after 90."""
    await db.execute(FORGET_WORDS, now)
    await db.execute(FORGET_PHOTOS, now)
