"""Builders of turns of people: newcomers, residents with accounts, groups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.messages import Button, LinkButton, Press, PressButton, Reply, Text
from core.turns import AccountLink, Centre, Resident, Told, Turn
from core.wording import Words

NOW: Final = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ZONE: Final = ZoneInfo("Europe/Moscow")
CENTRE: Final = Centre(
    name="Расчётный центр",
    zone=ZONE,
    address="ул. Мира, 1",
    phone="8 800 000-00-00",
    privacy_url="https://centre.example/privacy",
)


def a_link(id: int = 1, **rest: Any) -> AccountLink:  # noqa: A002  # the name of the field
    usual: dict[str, Any] = {
        "account": 70 + id,
        "number": "0012344567",
        "name": "",
        "address": "ул. С…ей, д. 4а, кв. •2",
        "current": id == 1,
    }
    return AccountLink(id=id, **{**usual, **rest})


def a_newcomer(said: Any = None, **rest: Any) -> Turn:
    """A turn of somebody who has not consented, in chat 3."""
    usual: dict[str, Any] = {
        "chat": 3,
        "channel": "telegram",
        "sent_at": NOW,
        "now": NOW,
        "said": Press("x") if said is None else said,
        "centre": CENTRE,
    }
    return Turn(**{**usual, **rest})


def a_resident(*links: AccountLink, said: Any = None, **rest: Any) -> Turn:
    """A turn of resident 5 with *links*, in chat 3."""
    return a_newcomer(said, **{"resident": Resident(5, links), **rest})


def typed(words: str) -> Text:
    return Text(words)


def words_of(reply: Reply, language: str = "ru") -> str:
    """All that a reply says and offers, in words."""
    words = Words(language, ZONE)
    lines = ["".join(str(cell) for cell in block) for block in words.paragraphs(reply.body)]
    return "\n".join([*lines, *(words.plain(button.label) for row in reply.keyboard for button in row)])


def only(told: Told) -> Reply:
    """The one reply of a turn."""
    [reply] = told.replies
    return reply


def keys_of(reply: Reply) -> list[str]:
    """The catalogue's keys of a reply's paragraphs."""
    return [getattr(paragraph, "key", "table") for paragraph in reply.body]


def buttons(reply: Reply) -> list[Button]:
    return [button for row in reply.keyboard for button in row]


def payloads(reply: Reply) -> list[str]:
    return [button.payload for button in buttons(reply) if isinstance(button, PressButton)]


def addresses(reply: Reply) -> list[str]:
    return [button.url for button in buttons(reply) if isinstance(button, LinkButton)]
