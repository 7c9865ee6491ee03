"""The commands about links: who has an account, giving it back, letting it be linked again."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bots.book_commands import NoAccountError
from bots.configuration import Secrets
from bots.reaching import reached
from bots.staff import who_runs
from bots.wiring import keys_of
from core.errors import KvitokError
from storage.account_books import account_numbered
from storage.database import Connection
from storage.links_for_staff import SeenLink, held_until, links_of_account, unfreeze
from storage.proofs import lift_hold
from storage.staff_actions import record

out: Final = Console()


class NotFrozenError(KvitokError):
    """The account has no such link, or it is not frozen."""

    def __init__(self, number: str, link: int) -> None:
        super().__init__(
            f"account {number} has no frozen link {link}; `kvitok links show {number}` lists its links"
        )
        self.link = link


class NotHeldError(KvitokError):
    """Linking the account is not on hold."""

    def __init__(self, number: str) -> None:
        super().__init__(f"linking account {number} is not on hold")
        self.number = number


class NoReasonError(KvitokError):
    """What staff do to a resident's links has a reason."""

    def __init__(self) -> None:
        super().__init__("--why is empty: say why, for the record")


async def show_links(number: str, *, data: Path) -> int:
    """List an account's links, and say whether linking it is on hold. Raises NoAccountError."""
    keys, now = keys_of(Secrets(os.environ)), datetime.now(UTC)
    async with reached(data) as db:
        account = await _account(db, number)
        links = await links_of_account(db, account)
        until = await held_until(db, number, keys=keys, now=now)
        await record(db, "look", who=who_runs(), now=now, account=account)
    out.print(_links_table(links) if links else f"Nobody is linked to account {number}.")
    if until is not None:
        out.print(
            f"Linking is on hold until {_local(until)} after too many wrong tries; "
            f"`kvitok links release {number} --why REASON` ends it.",
            soft_wrap=True,
        )
    return 0


def _links_table(links: list[SeenLink]) -> Table:
    table = Table("Link", "Messenger", "Proved by", "Linked", "Last heard", "State")
    for each in links:
        state = f"frozen {_local(each.frozen_at)}" if each.frozen_at else "in use"
        if each.unlinked_at is not None:
            state += ", unlinked"
        row = (each.channel, each.proof, _local(each.linked_at), _local(each.last_seen_at), state)
        table.add_row(str(each.number), *row)
    return table


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


async def unfreeze_link(number: str, link: int, *, why: str, data: Path) -> int:
    """Undo «Это не я». Raises NoReasonError, NoAccountError, NotFrozenError."""
    reason, now = _reason(why), datetime.now(UTC)
    async with reached(data) as db, db.transaction():
        account = await _account(db, number)
        unfrozen = await unfreeze(db, link, account=account, now=now)
        if unfrozen is None:
            raise NotFrozenError(number, link)
        await record(db, "unfreeze", who=who_runs(), now=now, account=account, link=link, why=reason)
    if unfrozen.chats:
        out.print(
            f"Link {link} of account {number} is in use again; the resident will be told.", soft_wrap=True
        )
    else:
        out.print(f"Account {number} may be linked by that resident again; no chat to tell.", soft_wrap=True)
    for case in unfrozen.cases:
        out.print(
            f"Case {case} about it is open: answer or close it (kvitok cases show {case}).", soft_wrap=True
        )
    return 0


async def release_account(number: str, *, why: str, data: Path) -> int:
    """End the hold on linking an account. Raises NoReasonError, NoAccountError, NotHeldError."""
    reason, keys, now = _reason(why), keys_of(Secrets(os.environ)), datetime.now(UTC)
    async with reached(data) as db, db.transaction():
        account = await _account(db, number)
        if await held_until(db, number, keys=keys, now=now) is None:
            raise NotHeldError(number)
        await lift_hold(db, number, keys=keys)
        await record(db, "release", who=who_runs(), now=now, account=account, why=reason)
    out.print(f"Account {number} can be linked again. The resident is not told: tell them.", soft_wrap=True)
    return 0


def _reason(why: str) -> str:
    if not why.strip():
        raise NoReasonError
    return why.strip()


async def _account(db: Connection, number: str) -> int:
    account = await account_numbered(db, number)
    if account is None:
        raise NoAccountError(number)
    return account
