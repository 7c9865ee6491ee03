"""From a chat's update to what is saved and sent: build the turn, drive its dialogue, put the told into words.

Wording, policy and fitting belong to the turn: where they fail, that turn fails and no other.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final

import msgspec
import structlog

from bots.arrivals import Arrival
from core import driving
from core.channel import Capabilities
from core.conversation import Idle, dump_stage, load_stage
from core.fitting import Fitted, Offered, fit
from core.messages import LinkButton, MessageClass, Press, Reply, Said, Stopped, text
from core.privacy import Ceiling, permitted, withheld
from core.routing import route
from core.showing import shown
from core.turns import Centre, Event, Incident, Resident, Told, Turn
from core.wording import Words
from storage import shown_pages
from storage.answers import Answers
from storage.conversations import Conversation, Standing, conversations_of
from storage.database import Connection
from storage.outbox import Outgoing
from storage.residents import residents_of
from storage.shown_pages import Issued

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger()

_OFFERED: Final = msgspec.json.Decoder(Offered)
NOTHING_OFFERED: Final = Offered()


class Outcome(Enum):
    """Whether a turn's dialogue ended, was apologised for, or broke after it may have written."""

    TOLD = auto()
    APOLOGISED = auto()
    BROKEN = auto()


class Turned(msgspec.Struct, frozen=True):
    """What a turn comes to: how the chat stands now, messages for this chat and others, pages that they lead to.

    *unheard*: the event whose confirmation this chat cannot be sent, so that another chat is to hear of it.
    *incident*: the number that the apology names.
    """

    outcome: Outcome
    standing: Standing
    messages: tuple[Outgoing, ...] = ()
    pages: tuple[Issued, ...] = ()
    unheard: int | None = None
    incident: str | None = None


class Voice(msgspec.Struct, frozen=True):
    """How a channel is spoken to: what it can do, and what it may carry."""

    capabilities: Capabilities
    ceiling: Ceiling


class Turning:
    """Runs the turns of a batch inside the engine's transaction."""

    def __init__(self, *, centre: Centre, voices: Mapping[str, Voice], public_url: str) -> None:
        """*public_url* is where the centre's own pages are."""
        self.centre = centre
        self.voices = dict(voices)
        self.public_url = public_url.rstrip("/")

    def set_ceiling(self, channel: str, ceiling: Ceiling) -> None:
        """Let *channel* carry what *ceiling* allows, from the next turn on."""
        self.voices[channel] = msgspec.structs.replace(self.voices[channel], ceiling=ceiling)

    async def run(
        self,
        db: Connection,
        chosen: Sequence[tuple[Arrival, Conversation]],
        *,
        answers: Answers,
        now: datetime,
    ) -> list[Turned]:
        """Run the dialogues of *chosen* side by side; their questions are answered in batches."""
        residents = await residents_of(db, [chat.chat for _, chat in chosen])
        turns = [self._begin(arrival, chat, residents.get(chat.chat), now) for arrival, chat in chosen]
        talks = driving.start(
            [route(turn, _offered(chat)) for turn, (_, chat) in zip(turns, chosen, strict=True)]
        )
        while (asked := driving.next_round(talks)) is not None:
            distinct = list(dict.fromkeys(asked.questions)) if not asked.kind.writes else asked.questions
            given = await answers[asked.kind](db, distinct)
            if asked.kind.writes:
                asked.answer(given)
            else:
                known = dict(zip(distinct, given, strict=True))
                asked.answer([known[question] for question in asked.questions])
        noticed = {notice.to for talk in talks if talk.told for notice in talk.told.notices}
        others = await conversations_of(db, noticed) if noticed else {}
        turned = [
            self._end(arrival, chat, turn, talk, others)
            for (arrival, chat), turn, talk in zip(chosen, turns, talks, strict=True)
        ]
        await shown_pages.add(db, [page for each in turned for page in each.pages], now=now)
        return turned

    def incident(self, arrival: Arrival) -> Incident:
        """What a turn that fails alone is ended with: an apology under a number that the log has too."""
        number = secrets.token_hex(4)
        log.error("turn.closed", incident=number, channel=arrival.channel, said=type(arrival.said).__name__)
        return Incident(number)

    # --- One turn --------------------------------------------------------------------------------

    def _begin(self, arrival: Arrival, chat: Conversation, resident: Resident | None, now: datetime) -> Turn:
        stage = load_stage(chat.stage)
        stale = 0 <= arrival.order < chat.last_order
        return Turn(
            chat=chat.chat,
            channel=chat.channel,
            sent_at=arrival.sent_at,
            now=now,
            said=arrival.said,
            centre=self.centre,
            language=chat.language,
            resident=resident,
            stage=Idle() if stale or stage is None else stage,
            private=chat.private,
            stale=stale,
            lost=stage is None,
            key=f"{arrival.channel}:{arrival.key}",
            event=arrival.event,
            vouched=self.centre.phone_proves and self.voices[chat.channel].capabilities.contact_button,
        )

    def _end(
        self,
        arrival: Arrival,
        chat: Conversation,
        turn: Turn,
        talk: driving.Talk,
        others: Mapping[int, Conversation],
    ) -> Turned:
        """Put what *talk* told into messages; a failure before any write is apologised for on the spot."""
        failure = talk.failure
        if talk.told is not None:
            try:
                return self._speak(arrival, chat, turn, talk.told, others)
            except Exception as unspeakable:  # noqa: BLE001  # the words of one turn must not fail another's
                failure = unspeakable
        if talk.wrote:
            log.error("turn.broken", channel=chat.channel, chat=chat.chat, exc_info=failure)
            return Turned(Outcome.BROKEN, Standing(chat.chat, None, None, arrival.order, heard=False))
        incident = self.incident(arrival)
        log.error("turn.failed", incident=incident.number, chat=chat.chat, exc_info=failure)
        (apology,) = driving.start([route(msgspec.structs.replace(turn, said=incident), NOTHING_OFFERED)])
        if apology.told is None:
            raise RuntimeError("an apology asks nothing") from apology.failure
        spoken = self._speak(arrival, chat, turn, apology.told, {})
        return msgspec.structs.replace(spoken, outcome=Outcome.APOLOGISED, incident=incident.number)

    def _speak(
        self,
        arrival: Arrival,
        chat: Conversation,
        turn: Turn,
        told: Told,
        others: Mapping[int, Conversation],
    ) -> Turned:
        pressed = arrival.said.message if isinstance(arrival.said, Press) else None
        language = told.language or chat.language
        pages = [self._page_of(reply, arrival, chat, turn, language) for reply in told.replies]
        fitted = [
            self._fit(
                reply,
                chat,
                language=language,
                pressed=pressed,
                message_class=told.message_class,
                elsewhere=self._link_to(page),
            )
            for reply, page in zip(told.replies, pages, strict=True)
        ]
        confirmed = arrival.event if told.message_class is MessageClass.CONFIRMATION else None
        messages = [
            Outgoing(chat.chat, chat.channel, message, arrival.event)
            for each in fitted
            for message in each.messages
        ]
        heard = _is_heard(arrival.said)
        unheard = None
        if not heard and not _may_be_told(chat, told.message_class):
            messages, unheard = [], confirmed
        for notice in told.notices:
            other = others.get(notice.to)
            if other is not None and _may_be_told(other, notice.message_class):
                said = self._fit(
                    notice.reply, other, language=other.language, message_class=notice.message_class
                )
                messages += [Outgoing(other.chat, other.channel, message) for message in said.messages]
        offered = next((each.offered for each in reversed(fitted) if each.offered is not None), None)
        standing = Standing(
            chat.chat,
            None if turn.stale or not isinstance(arrival.said, Said) else dump_stage(told.stage),
            msgspec.json.encode(offered).decode().replace("\\u0000", "") if offered else None,
            arrival.order,
            heard,
        )
        return Turned(Outcome.TOLD, standing, tuple(messages), tuple(filter(None, pages)), unheard)

    def _page_of(
        self, reply: Reply, arrival: Arrival, chat: Conversation, turn: Turn, language: str
    ) -> Issued | None:
        """A page for what was asked for and this chat may not carry in any form."""
        asked = isinstance(arrival.said, Said) and chat.private
        if not asked or not withheld(reply, self.voices[chat.channel].ceiling):
            return None
        whole = shown(reply, Words.of(language, self.centre.zone))
        return Issued.to(turn.resident, chat=chat.chat, shown=whole)

    def _link_to(self, page: Issued | None) -> LinkButton | None:
        if page is None:
            return None
        return LinkButton(text("privacy-show-button"), f"{self.public_url}/s/{page.token}")

    def _fit(
        self,
        reply: Reply,
        chat: Conversation,
        *,
        language: str,
        pressed: str | None = None,
        message_class: MessageClass,
        elsewhere: LinkButton | None = None,
    ) -> Fitted:
        voice = self.voices[chat.channel]
        return fit(
            permitted(reply, voice.ceiling, elsewhere=elsewhere),
            words=Words.of(language, self.centre.zone),
            within=voice.capabilities,
            replaces=pressed,
            message_class=message_class,
        )


def _offered(chat: Conversation) -> Offered:
    if chat.offered is None:
        return NOTHING_OFFERED
    try:
        return _OFFERED.decode(chat.offered)
    except msgspec.ValidationError:
        return NOTHING_OFFERED


def _may_be_told(chat: Conversation, message_class: MessageClass) -> bool:
    """Whether *chat* may be written to unasked; the confirmation of a payment is asked for by paying."""
    return chat.reachable and (not chat.muted or message_class is MessageClass.CONFIRMATION)


def _is_heard(said: Said | Event) -> bool:
    return isinstance(said, Said) and not isinstance(said, Stopped)
