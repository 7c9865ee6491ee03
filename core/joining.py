"""Joining chats of one resident: what dialogues ask to invite another messenger, to join, and to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from core.questions import Question, TooManyLinks

# How long a code may be used (privacy: deep-link tokens).
INVITATION_LASTS: Final = timedelta(minutes=10)


class Invitation(msgspec.Struct, frozen=True):
    """A one-time *code* that joins another chat, *until* then; *joined*: channels that are joined already."""

    code: str
    until: datetime
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenInvitation(Question[Invitation]):
    """A new code of *chat*; the one that it had before is void."""

    writes = True
    chat: int
    at: datetime


class Inviter(msgspec.Struct, frozen=True):
    """The code may be used; it was made in a chat of *channel*."""

    channel: str


class NoSuchCode(msgspec.Struct, frozen=True):
    """Nobody's code, or one that was used or outlived: which of them is never told."""


class JoinedAlready(msgspec.Struct, frozen=True):
    """Nothing to join: the code is this very chat's own, or that of a chat of the same resident."""

    own: bool


@dataclass(frozen=True, slots=True)
class InviterOf(Question[Inviter | JoinedAlready | NoSuchCode]):
    """Whose *code* it is that was brought to *chat*. Looking does not use it up."""

    chat: int
    code: str
    at: datetime


class Joined(msgspec.Struct, frozen=True):
    """The chat is the inviting resident's now: of *channel*, with so many *accounts*, spoken to in *language*."""

    channel: str
    accounts: int
    language: str


Joining: TypeAlias = Joined | JoinedAlready | TooManyLinks | NoSuchCode


@dataclass(frozen=True, slots=True)
class JoinByCode(Question[Joining]):
    """Give *chat*, which has consented, and what chats are joined to it, to the resident who made *code*.

    Links unite, and where both have an account the inviting resident's name for it stays. Each other chat
    is told by an event. Where there would be more than *accounts_max* links nothing changes.
    """

    writes = True
    chat: int
    code: str
    at: datetime
    accounts_max: int


@dataclass(frozen=True, slots=True)
class Unjoin(Question[bool]):
    """Give *chat* to a new resident without links; *asker* is a chat of the same resident, perhaps itself.

    Its consent goes with it; links that were proven in it end, also for the chats that stay. False where
    the two do not share a resident, or nobody else shares theirs.
    """

    writes = True
    asker: int
    chat: int
    at: datetime
