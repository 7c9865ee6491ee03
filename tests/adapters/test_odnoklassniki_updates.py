"""What Odnoklassniki posts, read; and that nothing that could ever be posted breaks the reading."""

import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.odnoklassniki_updates import (
    check,
    decode,
    decode_history,
    parse,
    seq_in,
)
from adapters.receiving import BODY_BYTES_MAX
from core.channel import Received
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Text, Unreadable, Voice
from tests.making_odnoklassniki import BODIES, SECRET, a_body

CHAT = "chat:C5e1d0c0ffe00"
PERSON = "user:571204488312"
CARD = "mid:C5e1d0c0ffe00.1a0cd475fd025b9"
SAMPLES = sorted(path.stem for path in BODIES.glob("in_*.json"))

READ: dict[str, Said] = {
    "in_chat_system_chat_started": Started(),
    "in_message_callback": Press("m:v1:9f3c:add", CARD),
    "in_message_callback_redelivery": Press("m:v1:9f3c:add", CARD),
    "in_message_callback_second_press_same_message": Press("m:v1:9f3c:add", CARD),
    "in_message_created_call_missed": Unreadable("call"),
    "in_message_created_contact": Contact("+79035550102", own=False),
    "in_message_created_docs_2017_no_type": Text("Баланс"),
    "in_message_created_file_pdf": Unreadable("file"),
    "in_message_created_location": Unreadable("location"),
    "in_message_created_photo": Photo("https://i.mycdn.me/i?r=DEMO0001"),
    "in_message_created_photo_no_text": Photo("https://i.mycdn.me/i?r=DEMO0002"),
    "in_message_created_reply": Text("да"),
    "in_message_created_share_link": Text("https://example.org/"),
    "in_message_created_sticker": Unreadable("sticker"),
    "in_message_created_text": Text("Передать показания: хвс 152"),
    "in_message_created_text.wire": Text("Передать показания: хвс 152"),
}
IGNORED = {"in_unknown_webhook_type_synthetic": "an event of another kind: SOMETHING_NEW"}


def heard(name: str, **changed: Any) -> Incoming:
    """The one update of a sample whose message has *changed* fields."""
    fields = a_body(name)
    if changed:
        fields["message"] |= changed
    (incoming,) = decode(fields).updates
    return incoming


@pytest.mark.parametrize(("name", "said"), READ.items())
def test_every_kind_of_event_is_read_as_what_it_says(name: str, said: Said) -> None:
    assert heard(name).said == said


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_says_nothing_to_us_is_left_with_a_reason(name: str, reason: str) -> None:
    assert decode(a_body(name)) == Received((), ignored=reason)


def test_no_sample_is_left_out_of_these_tables() -> None:
    assert set(SAMPLES) == READ.keys() | IGNORED.keys()


def test_a_message_says_who_spoke_where_and_when() -> None:
    assert heard("in_message_created_text") == Incoming(
        channel="ok",
        chat=CHAT,
        sender=PERSON,
        key="mid:C5e1d0c0ffe00.1a0cd4758001c05",
        order=117319296614407173,
        sent_at=datetime(2026, 9, 23, 8, 0, tzinfo=UTC),
        said=Text("Передать показания: хвс 152"),
    )


def test_a_message_without_seq_stands_where_its_time_is() -> None:
    incoming = heard("in_message_created_text", seq=None)

    assert incoming.order == 1790150400000 << 16


def test_the_seq_of_a_message_is_in_its_mid() -> None:
    message = a_body("in_message_created_text")["message"]

    assert seq_in(message["mid"]) == message["seq"]


def test_a_redelivered_press_is_the_same_and_a_second_press_is_another() -> None:
    first, again, second = (
        heard(name).key
        for name in (
            "in_message_callback",
            "in_message_callback_redelivery",
            "in_message_callback_second_press_same_message",
        )
    )

    assert first == again != second


def test_a_second_press_is_another_even_if_the_platform_names_it_like_the_first() -> None:
    fields = a_body("in_message_callback")
    later = fields | {"timestamp": fields["timestamp"] + 1}

    assert decode(fields).updates[0].key != decode(later).updates[0].key


def test_a_press_is_newer_than_the_text_before_it_and_than_its_card() -> None:
    text, press = heard("in_message_created_text"), heard("in_message_callback")

    assert text.order < press.order
    assert seq_in(CARD) < press.order


def test_a_press_on_a_card_that_another_clock_dated_ahead_is_newer_than_the_card() -> None:
    fields = a_body("in_message_callback") | {"timestamp": 1790150000000}

    assert decode(fields).updates[0].order == seq_in(CARD) + 1


def test_a_press_can_be_answered() -> None:
    assert heard("in_message_callback").acknowledge == "cbDEMO0001"


def test_pictures_sent_together_are_heard_one_by_one() -> None:
    pictures = [{"type": "IMAGE", "payload": {"url": f"https://i.mycdn.me/{n}"}} for n in (1, 2)]
    fields = a_body("in_message_created_photo")
    fields["message"] |= {"text": "хвс и гвс", "attachments": pictures}

    first, second = decode(fields).updates

    assert first.said == Photo("https://i.mycdn.me/1", "хвс и гвс")
    assert second.said == Photo("https://i.mycdn.me/2")
    assert second.key == f"{first.key}#1"


OTHER_ATTACHMENTS: list[tuple[dict[str, Any], Said]] = [
    ({"type": "AUDIO", "payload": {"id": "1"}}, Voice()),
    ({"type": "VIDEO", "payload": {"id": "1"}}, Unreadable("video")),
    ({"type": "MUSIC", "payload": {"id": "1"}}, Unreadable("music")),
    ({"type": "PRESENT", "payload": {"id": "1"}}, Unreadable("present")),
    ({"type": "INLINE_KEYBOARD", "payload": None}, Unreadable("inline_keyboard")),
    ({"type": "IMAGE", "payload": {"id": "1"}}, Unreadable("image")),
    ({"type": "CONTACT", "payload": {"phone": "скрыт"}}, Unreadable("contact")),
    ({"type": "CONTACT", "payload": {"phone": "+7 (903) 555-01-02"}}, Contact("+79035550102", own=False)),
    ({"type": "", "payload": {}}, Unreadable("something")),
    (
        {"type": "FILE", "payload": {"url": "https://fu.mycdn.me/1", "name": "Счётчик.JPG"}},
        Photo("https://fu.mycdn.me/1"),
    ),
]


@pytest.mark.parametrize(("attachment", "said"), OTHER_ATTACHMENTS)
def test_whatever_is_attached_is_heard(attachment: dict[str, Any], said: Said) -> None:
    assert heard("in_message_created_photo", attachments=[attachment]).said == said


def test_an_empty_message_says_nothing() -> None:
    fields = a_body("in_message_created_text")
    fields["message"]["text"] = None

    assert decode(fields) == Received((), ignored="an empty message")


def test_what_the_group_wrote_itself_is_not_a_residents_word() -> None:
    fields = a_body("in_message_created_text")
    fields["sender"]["user_id"] = "group:70000012345678"

    assert decode(fields) == Received((), ignored="a message of the group itself")


def test_a_system_message_of_another_kind_says_nothing() -> None:
    fields = a_body("in_chat_system_chat_started") | {"type": "CHAT_RENAMED"}

    assert decode(fields) == Received((), ignored="an event of another kind: CHAT_RENAMED")


def test_of_a_history_only_what_residents_wrote_is_read() -> None:
    fields = a_body("in_message_created_docs_2017_no_type")

    assert [each.said for each in decode_history(fields, people={PERSON})] == [Text("Баланс")]
    assert not decode_history(fields, people={"user:1"})


# --- Proof of the sender --------------------------------------------------------------------------


def test_a_request_by_the_secret_path_is_believed() -> None:
    check(SECRET, SECRET)


@pytest.mark.parametrize("given", ["", SECRET[:-1], SECRET.lower(), f"{SECRET}0", "ключ", "\ud83d"])
def test_a_request_by_another_path_is_forged(given: str) -> None:
    with pytest.raises(ForgedWebhookError):
        check(SECRET, given)


def test_where_there_is_no_secret_nothing_is_believed() -> None:
    with pytest.raises(ForgedWebhookError):
        check("", "")


# --- Whatever may come ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CHAT) | st.just(CARD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place within a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [place for key, inner in value.items() for place in places(inner, (*path, key))]
    if isinstance(value, list):
        return found + [place for index, inner in enumerate(value) for place in places(inner, (*path, index))]
    return found


@st.composite
def spoilt_events(draw: st.DrawFn) -> object:
    """A sample in which something is missing or something else."""
    fields = deepcopy(a_body(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(fields) or [("webhookType",)]))
        holder: Any = fields
        for step in path:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(JSON)
        elif isinstance(holder, dict):
            holder.pop(last, None)
    return fields


@given(spoilt_events())
def test_a_spoilt_event_is_read_or_named_unusable(fields: object) -> None:
    try:
        received = decode(fields)
    except UnusableUpdateError:
        return

    for incoming in received.updates:
        assert 0 <= incoming.order < 2**63
        assert incoming.sent_at.tzinfo is UTC
        assert incoming.key.isascii()


@given(st.binary(max_size=200) | st.recursive(st.just(b"1"), lambda inner: inner.map(lambda b: b"[" + b)))
def test_a_body_of_any_bytes_is_read_or_named_unusable(body: bytes) -> None:
    with suppress(UnusableUpdateError):
        decode(parse(body))


VICIOUS = {
    "deep": b"[" * 100_000,
    "half a surrogate": b'"\\ud83d"',
    "no number": b'{"timestamp":1e999}',
    "empty": b"",
    "not UTF-8": b"\xff",
    "null": b"null",
    "too large": b'"' + b"x" * BODY_BYTES_MAX + b'"',
    "a list": b"[]",
}


@pytest.mark.parametrize("body", VICIOUS.values(), ids=VICIOUS.keys())
def test_a_vicious_body_is_named_unusable(body: bytes) -> None:
    with pytest.raises(UnusableUpdateError):
        decode(parse(body))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamp", 2**62),
        ("timestamp", -1),
        ("payload", "\0"),
        ("callbackId", ""),
        ("sender", {"user_id": "а"}),
    ],
)
def test_a_press_that_no_platform_sends_is_named_unusable(name: str, value: object) -> None:
    with pytest.raises(UnusableUpdateError):
        decode(a_body("in_message_callback") | {name: value})


@pytest.mark.parametrize("chat", ["", "C5e1d", "chat:../me/unsubscribe", "chat:C5e1d?x=1", "chat:C1\n", 7])
def test_a_chat_of_another_form_is_named_unusable(chat: object) -> None:
    with pytest.raises(UnusableUpdateError):
        decode(a_body("in_message_created_text") | {"recipient": {"chat_id": chat}})


def test_the_reason_of_an_unusable_event_holds_nothing_of_it() -> None:
    fields = a_body("in_message_created_text") | {"timestamp": "+79161234567"}

    with pytest.raises(UnusableUpdateError) as raised:
        decode(fields)

    assert "7916" not in str(raised.value)


def test_cyrillic_may_come_escaped_or_as_it_is() -> None:
    fields = a_body("in_message_created_text")

    assert decode(parse(json.dumps(fields).encode())) == decode(
        parse(json.dumps(fields, ensure_ascii=False).encode())
    )
