"""Photos of meters: kept for staff, with the case that asked for one or as a case of their own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.conversation import Idle, ShowingMeter
from core.dialogues.reading_cards import BACK_TO_METERS_CARD, MENU
from core.dialogues.readings import take_text
from core.messages import DataClass, Photo, Phrase, Reply, say, text
from core.questions import AddToCase, OpenCase
from core.turns import Told, Turn, told


async def take_photo(turn: Turn, photo: Photo) -> Told:
    """A photo is kept for staff; what its caption says is read like any text, else the number is asked for."""
    kept = await _keep(turn, photo)
    read = await take_text(turn, photo.caption) if turn.account and photo.caption else None
    if read is None:
        return kept
    return msgspec.structs.replace(read, replies=(*kept.replies, *read.replies))


async def _keep(turn: Turn, photo: Photo) -> Told:
    """With the case that asked for it, or as a case of its own."""
    stage = turn.stage
    facts = (("photo", photo.file), ("caption", photo.caption))
    if isinstance(stage, ShowingMeter) and await AddToCase(case=stage.case, chat=turn.chat, facts=facts):
        return told(stage, _photo_reply([text("reading-photo-added", number=str(stage.case))]))
    account = turn.account.account if turn.account else None
    case = await OpenCase(kind="meter_photo", chat=turn.chat, account=account, facts=facts, at=turn.now)
    stays = Idle() if isinstance(stage, ShowingMeter) else stage
    return told(
        stays, _photo_reply([text("reading-photo-kept", number=str(case)), text("reading-photo-number")])
    )


def _photo_reply(lines: Sequence[Phrase]) -> Reply:
    return say(*lines, keyboard=((BACK_TO_METERS_CARD, MENU),), data_class=DataClass.INTAKE, numeric=True)
