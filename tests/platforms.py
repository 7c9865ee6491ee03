"""What sets the messengers apart where the conformance suite cares: proofs, spoilt bodies, faults, records."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from bots.messengers import MAX_SECRET, OK_SECRET, TELEGRAM_SECRET, VIBER_TOKEN, VK_SECRET
from bots.simulator import max as max_messenger
from bots.simulator import odnoklassniki, telegram, viber, vk
from bots.simulator.stand_ins import VK_CONFIRMED_BY, VK_GROUP
from tests.conftest import SECRETS

BODIES: Final = Path(__file__).parent / "bodies"
Fields = dict[str, Any]


@dataclass(frozen=True)
class Post:
    """A request to a webhook: what follows the channel in its address, its headers, its body."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    behind: str = ""


class Struck(Protocol):
    """A stand-in, as far as faults go."""

    faults: Any
    calls: Sequence[Any]


class Strike(Protocol):
    """Makes a fault that strikes the next *times* messages that are sent."""

    def __call__(self, times: int = 1_000_000_000) -> object: ...


@dataclass(frozen=True)
class Platform:
    """One messenger; a new one brings one of these.

    *proven* posts a body as the platform does, *forged* all the ways in which others might. *own* makes a
    sample's fields those of our bot. *unusable* are authentic and cannot be read; *unknown* is of a kind that
    does not exist. *repeats*: whether a resident sees twice what is sent twice, *presses*: how many calls
    acknowledge a press. *trials*: samples that need no proof. *fair*:
    what a spoilt body may be answered with.
    """

    name: str
    accepted: bytes
    own: Callable[[Fields], Fields]
    proven: Callable[[bytes], Post]
    forged: Callable[[Fields], Sequence[Post]]
    unusable: Sequence[bytes]
    unknown: Fields
    hanging: Strike
    broken: Strike
    busy: Strike
    refusing: Strike
    losing: Strike
    is_refusal: Callable[[Any], bool]
    answers_press: Callable[[Any], bool]
    presses: int
    repeats: bool
    trials: frozenset[str] = frozenset()
    fair: frozenset[int] = frozenset({200})

    @property
    def samples(self) -> Mapping[str, Fields]:
        """Everything that the sheet of this platform says it may post, as if to us."""
        return {name: self.own(fields) for name, fields in samples_of(self.name).items()}

    @property
    def in_need_of_proof(self) -> Sequence[Fields]:
        """The samples that are worth nothing without a proof."""
        return [fields for name, fields in self.samples.items() if name not in self.trials]


@cache
def samples_of(name: str) -> Mapping[str, Fields]:
    """The bodies in `tests/bodies/<name>/`; what was kept as bytes or headers is of no use here."""
    files = sorted((BODIES / name).glob("in_*.json"))
    kept = [file for file in files if not file.stem.endswith((".wire", ".headers", "_headers"))]
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in kept}


def dumped(fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _as_it_is(fields: Fields) -> Fields:
    return fields


NONSENSE: Final = (b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a": 1e999}')


# --- Telegram: a header ---------------------------------------------------------------------------------

_TELEGRAM: Final = {"X-Telegram-Bot-Api-Secret-Token": SECRETS[TELEGRAM_SECRET]}


def _telegram_fault(**what: Any) -> Strike:
    sends = frozenset({"sendMessage", "sendPhoto", "sendDocument", "editMessageText", "editMessageCaption"})
    return lambda times=1_000_000_000: telegram.Faults(**what, only=sends, times=times)


TELEGRAM: Final = Platform(
    name="telegram",
    accepted=b"",
    own=_as_it_is,
    proven=lambda body: Post(body, _TELEGRAM),
    forged=lambda fields: [
        Post(dumped(fields)),
        Post(dumped(fields), {"X-Telegram-Bot-Api-Secret-Token": SECRETS[TELEGRAM_SECRET][:-1]}),
        Post(b"{"),
    ],
    unusable=[
        *NONSENSE,
        dumped({"update_id": "many", "message": {}}),
        dumped({"message": {"text": "баланс"}}),
        dumped({"update_id": 5, "message": {"text": "баланс"}}),
    ],
    unknown={"update_id": 777_000_001, "poem": {"lines": ["…"]}},
    hanging=_telegram_fault(hang_s=600.0),
    broken=_telegram_fault(server_error=True),
    busy=_telegram_fault(retry_after_s=30),
    refusing=_telegram_fault(unauthorized=True),
    losing=_telegram_fault(lose_answer=True),
    is_refusal=lambda call: call.code != 200,
    answers_press=lambda call: call.method == "answerCallbackQuery",
    presses=1,
    repeats=True,
)


# --- VK: a field of the body ----------------------------------------------------------------------------


def _vk_own(fields: Fields) -> Fields:
    return fields | {"group_id": VK_GROUP, "secret": SECRETS[VK_SECRET]}


def _vk_fault(**what: Any) -> Strike:
    sends = frozenset({"messages.send", "messages.edit"})
    return lambda times=1_000_000_000: vk.Faults(**what, only=sends, times=times)


VK: Final = Platform(
    name="vk",
    accepted=b"ok",
    own=_vk_own,
    proven=Post,
    forged=lambda fields: [
        Post(dumped(fields | {"secret": SECRETS[VK_SECRET][:-1]})),
        Post(dumped(fields | {"secret": None})),
        Post(dumped({name: value for name, value in fields.items() if name != "secret"})),
        Post(dumped(fields | {"group_id": VK_GROUP + 1})),
        # The proof is in the body: one that cannot be read proves nothing.
        *(Post(body) for body in NONSENSE),
    ],
    unusable=[
        dumped(_vk_own({"type": "message_new"})),
        dumped(_vk_own({"type": 5, "event_id": "a", "object": {}})),
        dumped(_vk_own({"type": "message_new", "event_id": "a", "object": {"message": {"text": "баланс"}}})),
    ],
    unknown=_vk_own({"type": "poem_new", "event_id": "b", "object": {}, "v": "5.199"}),
    hanging=_vk_fault(hang_s=600.0),
    broken=_vk_fault(server_error=True),
    busy=_vk_fault(code=9),
    refusing=_vk_fault(code=5),
    losing=_vk_fault(lose_answer=True),
    is_refusal=lambda call: call.code != 0,
    answers_press=lambda call: call.method == "messages.sendMessageEventAnswer",
    presses=1,
    repeats=False,
    trials=frozenset({"in_confirmation"}),
    fair=frozenset({200, 403}),
)


# --- Odnoklassniki: the address -------------------------------------------------------------------------


def _ok_fault(**what: Any) -> Strike:
    return lambda times=1_000_000_000: odnoklassniki.Faults(**what, only=frozenset({"messages"}), times=times)


OK: Final = Platform(
    name="ok",
    accepted=b"OK",
    own=_as_it_is,
    proven=lambda body: Post(body, behind=f"/{SECRETS[OK_SECRET]}"),
    forged=lambda fields: [
        Post(dumped(fields)),
        Post(dumped(fields), behind=f"/{SECRETS[OK_SECRET][:-1]}"),
        Post(b"{", behind="/guessed"),
    ],
    unusable=[
        *NONSENSE,
        dumped({"webhookType": "MESSAGE_CREATED", "message": "баланс"}),
        dumped({"webhookType": "MESSAGE_CREATED", "sender": {"user_id": "user:1"}}),
    ],
    unknown={"webhookType": "POEM_CREATED", "sender": {"user_id": "user:1"}},
    hanging=_ok_fault(hang_s=600.0),
    broken=_ok_fault(bad_gateway=True),
    busy=_ok_fault(error_code=11),
    refusing=_ok_fault(error_code=102),
    losing=_ok_fault(lose_answer=True),
    is_refusal=lambda call: call.code != 0,
    answers_press=lambda call: call.path.endswith("/answer"),
    presses=0,
    repeats=False,
)


# --- Viber: a signature ---------------------------------------------------------------------------------


def _viber_signed(body: bytes) -> dict[str, str]:
    signature = hmac.new(SECRETS[VIBER_TOKEN].encode(), body, hashlib.sha256).hexdigest()
    return {"X-Viber-Content-Signature": signature}


def _viber_fault(**what: Any) -> Strike:
    return lambda times=1_000_000_000: viber.Faults(**what, only=frozenset({"send_message"}), times=times)


VIBER: Final = Platform(
    name="viber",
    accepted=b"",
    own=_as_it_is,
    proven=lambda body: Post(body, _viber_signed(body)),
    forged=lambda fields: [
        Post(dumped(fields)),
        Post(dumped(fields), _viber_signed(b"{}")),
        Post(dumped(fields), {"X-Viber-Content-Signature": "не подпись".encode().hex()}),
        Post(b"{"),
    ],
    unusable=[
        *NONSENSE,
        dumped({"event": "message", "timestamp": 1, "message_token": 1}),
        dumped({"event": "message", "message_token": 2, "sender": {"id": "a="}, "message": {"type": "text"}}),
        dumped({"event": "subscribed", "timestamp": "soon", "message_token": 3, "user": {"id": "a="}}),
    ],
    unknown={"event": "poem", "timestamp": 1, "message_token": 4, "user_id": "a="},
    hanging=_viber_fault(hang_s=600.0),
    broken=_viber_fault(server_error=True),
    busy=_viber_fault(retry_after_s=30),
    refusing=_viber_fault(status=2),
    losing=_viber_fault(lose_answer=True),
    is_refusal=lambda call: call.status != 0,
    answers_press=lambda _: False,
    presses=0,
    repeats=True,
    trials=frozenset({"in_webhook"}),
)


# --- MAX: a header --------------------------------------------------------------------------------------

_MAX: Final = {"X-Max-Bot-Api-Secret": SECRETS[MAX_SECRET]}


def _max_fault(**what: Any) -> Strike:
    sends = frozenset({"POST messages", "PUT messages"})
    return lambda times=1_000_000_000: max_messenger.Faults(**what, only=sends, times=times)


MAX: Final = Platform(
    name="max",
    accepted=b"",
    own=_as_it_is,
    proven=lambda body: Post(body, _MAX),
    forged=lambda fields: [
        Post(dumped(fields)),
        Post(dumped(fields), {"X-Max-Bot-Api-Secret": SECRETS[MAX_SECRET][:-1]}),
        Post(dumped(fields), behind=f"/{SECRETS[MAX_SECRET]}"),
        Post(b"{"),
    ],
    unusable=[
        *NONSENSE,
        dumped({"update_type": "message_created", "message": {"body": {"text": "баланс"}}}),
        dumped({"update_type": "message_callback", "callback": {"payload": "menu"}}),
        dumped({"update_type": "bot_started", "chat_id": "many", "user": {"user_id": 1}, "timestamp": 1}),
    ],
    unknown={"update_type": "poem_created", "timestamp": 1, "chat_id": 1},
    hanging=_max_fault(hang_s=600.0),
    broken=_max_fault(bad_gateway=True),
    busy=_max_fault(code="too.many.requests"),
    refusing=_max_fault(code="verify.token"),
    losing=_max_fault(lose_answer=True),
    is_refusal=lambda call: call.status != 200 or bool(call.code),
    answers_press=lambda call: call.path == "answers",
    presses=1,
    repeats=False,
)

PLATFORMS: Final = {each.name: each for each in (TELEGRAM, VK, OK, VIBER, MAX)}

# What some platforms ask besides, what it is answered with, and whether that is to the letter.
_ASKED: Final = {"group_id": VK_GROUP, "type": "confirmation"}
SPECIALS: Final[Sequence[tuple[str, Post, int, bytes]]] = [
    ("vk", Post(dumped(_ASKED)), 200, VK_CONFIRMED_BY.encode()),
    ("vk", Post(dumped(_vk_own(_ASKED))), 200, VK_CONFIRMED_BY.encode()),
    ("vk", Post(dumped(_ASKED | {"secret": "another"})), 403, b"403: Forbidden"),
    ("vk", Post(dumped(_ASKED | {"group_id": VK_GROUP + 1})), 403, b"403: Forbidden"),
    ("viber", Post(dumped({"event": "webhook", "timestamp": 1, "message_token": 5})), 200, b""),
    ("viber", Post(dumped({"event": "webhook", "timestamp": 1}), _viber_signed(b"")), 403, b"403: Forbidden"),
]
