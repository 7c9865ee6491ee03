"""Stage: where a talk stands between two messages; loading what older releases wrote."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

STAGE_VERSION: Final = 1


class Idle(msgspec.Struct, frozen=True, tag=True):
    """Nothing is awaited: whatever comes is read afresh."""


# --- Linking an account --------------------------------------------------------------------------


class Consenting(msgspec.Struct, frozen=True, tag=True):
    """Consent was asked for, before what was *wanted*.

    *token*: the paper bill's link or the joining code that led here, or ''.
    """

    token: str = ""
    wanted: str = ""


class GivingNumber(msgspec.Struct, frozen=True, tag=True):
    """The number of an account is awaited."""


class ChoosingProof(msgspec.Struct, frozen=True, tag=True):
    """A number was given; which proof the resident has at hand is awaited."""

    number: str


class GivingProof(msgspec.Struct, frozen=True, tag=True):
    """The proof itself is awaited: *kind* is 'total', 'code' or 'meter'."""

    number: str
    kind: str


class NamingAccount(msgspec.Struct, frozen=True, tag=True):
    """A name for a linked account is awaited."""

    link: int


# --- Readings ------------------------------------------------------------------------------------


class ReadingEntry(msgspec.Struct, frozen=True, array_like=True):
    """A value for a register of a meter, as decimal text."""

    meter: str
    register: int
    value: str


class EnteringReading(msgspec.Struct, frozen=True, tag=True):
    """A value for this meter is awaited; *entered* are the values given so far in the same go."""

    account: int
    meter: str
    register: int = 1
    entered: tuple[ReadingEntry, ...] = ()


class WaitingValue(msgspec.Struct, frozen=True, array_like=True):
    """A value as it was typed, and the registers (meter, number) that it may be meant for.

    *corrects*: it was said to be right where an earlier one was wrong.
    """

    typed: str
    candidates: tuple[tuple[str, int], ...]
    corrects: bool = False


class ChoosingMeter(msgspec.Struct, frozen=True, tag=True):
    """Which meter the first of *waiting* is meant for is awaited. *entered* are the values that are clear."""

    account: int
    waiting: tuple[WaitingValue, ...] = ()
    entered: tuple[ReadingEntry, ...] = ()


class ConfirmingReadings(msgspec.Struct, frozen=True, tag=True):
    """A confirm card is shown: what would be kept, and the last values that it was judged on."""

    account: int
    entries: tuple[ReadingEntry, ...]
    judged_on: tuple[ReadingEntry, ...]
    doubtful: bool = False


class ShowingMeter(msgspec.Struct, frozen=True, tag=True):
    """A photo of a meter is asked for, for staff to look at: case *case*."""

    account: int
    case: int


# --- Paying, staff -------------------------------------------------------------------------------


class ChoosingAmount(msgspec.Struct, frozen=True, tag=True):
    """A sum to pay is awaited."""

    account: int


class AskingStaff(msgspec.Struct, frozen=True, tag=True):
    """The question for a member of staff is awaited."""


Stage: TypeAlias = (
    Idle
    | Consenting
    | GivingNumber
    | ChoosingProof
    | GivingProof
    | NamingAccount
    | EnteringReading
    | ChoosingMeter
    | ConfirmingReadings
    | ShowingMeter
    | ChoosingAmount
    | AskingStaff
)


class _Kept(msgspec.Struct, frozen=True):
    v: int
    stage: Stage


_DECODER: Final = msgspec.json.Decoder(_Kept)


def dump_stage(stage: Stage) -> str:
    """*stage* as JSON that carries its version."""
    return msgspec.json.encode(_Kept(STAGE_VERSION, stage)).decode()


def load_stage(kept: str | None) -> Stage | None:
    """The stage in *kept*; Idle for none; None where this release cannot read what another wrote."""
    if kept is None:
        return Idle()
    try:
        loaded = _DECODER.decode(kept)
    except msgspec.ValidationError:
        return None
    return loaded.stage if loaded.v == STAGE_VERSION else None
