"""What Telegram posts, read; and that nothing it could ever post breaks the reading."""

import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.telegram_updates import SECRET_HEADER, check, decode, order, parse
from core.channel import Received
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import (
    Contact,
    Incoming,
    Photo,
    Press,
    Said,
    Started,
    Stopped,
    Text,
    Unreadable,
    Voice,
)

BODIES = Path(__file__).parents[1] / "bodies" / "telegram"
BOT = 7012345678
NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)
SAMPLES = sorted(BODIES.glob("in_*.json"))

READ: dict[str, Said] = {
    "in_message_text": Text("Передать показания: хвс 152"),
    "in_message_text.wire": Text("Передать показания: хвс 152"),
    "in_edited_message": Text("Передать показания: хвс 153"),
    "in_message_reply_to_bot": Text("152,4"),
    "in_message_start_plain": Started(),
    "in_message_start_deeplink": Started("ls_4f2Qk9ZtB1"),
    "in_callback_query": Press("m:v1:9f3c:add", "1202"),
    "in_callback_query_inaccessible_message": Press("m:v1:1b00:add", None),
    "in_message_contact_own": Contact("+79161234567", own=True),
    "in_message_contact_foreign": Contact("+79035550102", own=False),
    "in_message_photo": Photo("AgACAgIAAxkBAAIEvWbA-y", "счётчик хвс 152"),
    "in_message_photo_album_1of2": Photo("AgACAgIAAxkBAAIEvWbA-y1", "хвс и гвс"),
    "in_message_photo_album_2of2": Photo("AgACAgIAAxkBAAIEvWbA-y2"),
    "in_message_voice": Voice(4),
    "in_message_location": Unreadable("location"),
    "in_message_document_pdf": Unreadable("document"),
    "in_message_sticker": Unreadable("sticker"),
    "in_message_web_app_data": Unreadable("web_app_data"),
    "in_my_chat_member_blocked": Stopped(),
    "in_my_chat_member_unblocked": Started(silent=True),
}
IGNORED = {
    "in_message_group_migrated": "the group has moved; it writes under its new id",
    "in_unknown_update_type_synthetic": "an update that we did not ask for: some_future_update",
}


def sample(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return fields


def read(fields: object) -> Received:
    return decode(fields, bot=BOT, now=NOW)


def heard(name: str, **changed: Any) -> Incoming:
    """The one update of a sample whose message has *changed* fields."""
    fields = sample(name)
    kind = next(key for key in fields if key != "update_id")
    fields[kind] |= changed
    (incoming,) = read(fields).updates
    return incoming


@pytest.mark.parametrize(("name", "said"), READ.items())
def test_every_kind_of_update_is_read_as_what_it_says(name: str, said: Said) -> None:
    assert heard(name).said == said


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_says_nothing_to_us_is_left_with_a_reason(name: str, reason: str) -> None:
    assert read(sample(name)) == Received((), ignored=reason)


def test_no_sample_is_left_out_of_these_tables() -> None:
    assert {path.stem for path in SAMPLES} == READ.keys() | IGNORED.keys()


def test_an_update_says_who_spoke_where_and_when() -> None:
    incoming = heard("in_message_text")

    assert incoming == Incoming(
        channel="telegram",
        chat="412587349",
        sender="412587349",
        key="7012345678:718204501",
        order=order(718204501, incoming.sent_at),
        sent_at=datetime(2026, 9, 23, 8, 0, tzinfo=UTC),
        said=Text("Передать показания: хвс 152"),
        private=True,
        language="ru",
    )


def test_an_edited_text_is_said_when_it_was_edited() -> None:
    assert heard("in_edited_message").sent_at == datetime(2026, 9, 23, 8, 0, 33, tzinfo=UTC)


def test_an_edited_caption_is_not_said_anew() -> None:
    fields = sample("in_message_photo")
    fields["edited_message"] = fields.pop("message")

    assert read(fields) == Received((), ignored="an edit of something other than text")


def test_a_press_is_dated_by_our_clock_and_can_be_acknowledged() -> None:
    incoming = heard("in_callback_query")

    assert (incoming.sent_at, incoming.acknowledge) == (NOW, "1772062174836103215")


def test_a_press_on_the_newest_card_is_not_older_than_the_texts_before_it() -> None:
    text, press = heard("in_message_text"), heard("in_callback_query")

    assert text.order < press.order


def test_updates_after_a_week_of_silence_are_newer_though_their_numbers_begin_anew() -> None:
    before, after = NOW, NOW + timedelta(days=7)

    assert order(1_999_999_999, before) < order(1, after) < 2**63


def test_a_picture_sent_as_a_file_is_a_photo() -> None:
    picture = {"file_id": "BQAC", "mime_type": "image/jpeg"}

    assert heard("in_message_document_pdf", document=picture, caption="хвс").said == Photo("BQAC", "хвс")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/menu@erkc_demo_bot", Text("/menu")),
        ("/start@erkc_demo_bot  ls_4f2 ", Started("ls_4f2")),
        ("/start\nls_4f2", Started("ls_4f2")),
        ("/Privacy now", Text("/Privacy now")),
        ("/", Text("/")),
        ("", Text("")),
    ],
)
def test_a_command_may_name_the_bot(typed: str, said: Said) -> None:
    assert heard("in_message_text", text=typed).said == said


def test_a_group_is_not_private() -> None:
    group = {"id": -4120045, "type": "group"}

    incoming = heard("in_message_text", chat=group, text="/menu")

    assert (incoming.chat, incoming.sender, incoming.private) == ("-4120045", "412587349", False)


def test_an_answer_to_the_bot_in_a_group_is_for_us() -> None:
    assert not heard("in_message_reply_to_bot", chat={"id": -5, "type": "supergroup"}).private


def test_talk_of_people_in_a_group_is_not_for_us() -> None:
    fields = sample("in_message_text")
    fields["message"]["chat"] = {"id": -4120045, "type": "group"}

    assert read(fields) == Received((), ignored="talk of a group")


def test_a_pinned_message_is_nobodys_word() -> None:
    fields = sample("in_message_text")
    fields["message"]["pinned_message"] = {"message_id": 3}
    del fields["message"]["text"]

    assert read(fields) == Received((), ignored="a message that nobody wrote")


def test_a_bot_put_out_of_a_group_stops_there() -> None:
    group = {"id": -5, "type": "group"}

    incoming = heard("in_my_chat_member_blocked", chat=group, new_chat_member={"status": "left"})

    assert (incoming.said, incoming.private) == (Stopped(), False)


def test_a_bot_taken_into_a_group_says_nothing() -> None:
    fields = sample("in_my_chat_member_unblocked")
    fields["my_chat_member"]["chat"] = {"id": -5, "type": "group"}

    assert read(fields).ignored == "a change of the bot's rights"


# --- Proof of the sender --------------------------------------------------------------------------


def test_a_request_with_the_secret_is_believed() -> None:
    check("Wn3vQ2s", {SECRET_HEADER: "Wn3vQ2s"})


@pytest.mark.parametrize(
    "headers",
    [{}, {SECRET_HEADER: ""}, {SECRET_HEADER: "wn3vq2s"}, {SECRET_HEADER: "ключ"}, {SECRET_HEADER: "\udcd0"}],
)
def test_a_request_without_the_secret_is_forged(headers: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhookError):
        check("Wn3vQ2s", headers)


def test_where_there_is_no_secret_nothing_is_believed() -> None:
    with pytest.raises(ForgedWebhookError):
        check("", {SECRET_HEADER: ""})


# --- Whatever may come ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("private"),
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
def spoilt_updates(draw: st.DrawFn) -> object:
    """A sample in which something is missing or something else."""
    fields = deepcopy(sample(draw(st.sampled_from(SAMPLES)).stem))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(fields) or [("update_id",)]))
        holder: Any = fields
        for step in path:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(JSON)
        elif isinstance(holder, dict):
            holder.pop(last, None)
    return fields


@settings(deadline=None)  # samples are read from files
@given(spoilt_updates())
def test_a_spoilt_update_is_read_or_named_unusable(fields: object) -> None:
    try:
        received = read(fields)
    except UnusableUpdateError:
        return

    for incoming in received.updates:
        assert 0 <= incoming.order < 2**63
        assert incoming.sent_at.tzinfo is UTC


@given(st.binary(max_size=200) | st.recursive(st.just(b"1"), lambda inner: inner.map(lambda b: b"[" + b)))
def test_a_body_of_any_bytes_is_read_or_named_unusable(body: bytes) -> None:
    with suppress(UnusableUpdateError):
        read(parse(body))


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'"\\ud83d"', b'{"update_id":1e999}', b"", b"\xff", b"null"]
)
def test_a_vicious_body_is_named_unusable(body: bytes) -> None:
    with pytest.raises(UnusableUpdateError):
        read(parse(body))


def test_the_reason_of_an_unusable_update_holds_nothing_of_it() -> None:
    fields = sample("in_message_contact_own")
    fields["message"]["date"] = "+79161234567"

    with pytest.raises(UnusableUpdateError) as raised:
        read(fields)

    assert "7916" not in str(raised.value)
