"""«Позвать сотрудника»: a question for staff, and their answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from core.conversation import AskingStaff, Consenting, Idle
from core.dialogues.consent import asked_consent
from core.dialogues.menu import MENU_ROW, WAYS_OUT_ROW, menu_keyboard
from core.driving import Handler
from core.messages import DataClass, Keyboard, Photo, Phrase, Text, press, say, text
from core.questions import OpenCase
from core.turns import CaseAnswered, Told, Turn, told

ACTION: Final = "staff"
QUESTION_CHARS_MAX: Final = 2_000


async def call_staff(turn: Turn, args: Sequence[str]) -> Told:
    """«Позвать сотрудника»: asks what the matter is."""
    del turn, args
    return asked()


def asked(*first: Phrase) -> Told:
    """What the matter is, asked; *first* is said before."""
    keyboard: Keyboard = ((press("menu-contacts-button", "contacts"),), WAYS_OUT_ROW)
    return told(AskingStaff(), say(*first, text("staff-ask"), keyboard=keyboard))


async def take_question(turn: Turn, stage: AskingStaff, said: Text | Photo) -> Told:
    """The question, in words or with a picture."""
    if turn.resident is None:
        return asked_consent(turn, Consenting(wanted=ACTION))
    match said:
        case Text():
            question, photo = said.text.strip(), ""
        case Photo():
            question, photo = said.caption.strip(), said.file
    if not question and not photo:
        return told(stage, say(text("staff-ask"), keyboard=(WAYS_OUT_ROW,)))
    facts = (("question", question[:QUESTION_CHARS_MAX]), ("photo", photo), ("language", turn.language))
    case = await _open(turn, "question", facts)
    cut = (text("staff-cut", most=QUESTION_CHARS_MAX),) if len(question) > QUESTION_CHARS_MAX else ()
    return told(Idle(), say(text("staff-asked", case=str(case)), *cut, keyboard=menu_keyboard(turn)))


async def _open(turn: Turn, kind: str, facts: tuple[tuple[str, str], ...]) -> int:
    account = turn.account.account if turn.account else None
    told_facts = tuple((name, value) for name, value in facts if value)
    return await OpenCase(kind, turn.chat, account, told_facts, turn.now)


async def case_answered(turn: Turn, event: CaseAnswered) -> Told:
    """What staff answered, brought back into the chat."""
    keyboard: Keyboard = ((press("staff-again-button", "staff"), *MENU_ROW),)
    answer = say(
        text("staff-answer", case=str(event.case), answer=event.answer),
        keyboard=keyboard,
        data_class=DataClass.PERSONAL,
        lesser=say(text("staff-answer-plainly", case=str(event.case)), keyboard=keyboard),
    )
    return told(turn.stage, answer)


CONSENTED: Final[Mapping[str, Handler]] = {ACTION: call_staff}
