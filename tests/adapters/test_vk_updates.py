"""What VK posts, read; and that nothing that could ever be posted breaks the reading."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.vk_updates import decode, proven
from core.channel import Received
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable, Voice

BODIES = Path(__file__).parents[1] / "bodies" / "vk"
GROUP = 229000111
SECRET = "kq7Zr2xV9sT4mPwL"
NOW = datetime(2026, 9, 23, 8, 0, 30, tzinfo=UTC)

READ: dict[str, Said] = {
    "in_message_new_text": Text("Передать показания: хвс 152"),
    "in_message_new_text.wire": Text("Передать показания: хвс 152"),
    "in_message_new_start_button": Started(),
    "in_message_new_ref_deeplink": Started("ls_4f2Qk9ZtB1"),
    # The payloads of these samples are not of our making: the words that were pressed are taken instead.
    "in_message_new_text_button": Text("Мой баланс"),
    "in_message_new_not_supported_button": Text("Принять"),
    "in_message_event_callback_button": Press('{"v":1,"a":"m","t":"9f3c"}', "42"),
    "in_message_new_photo": Photo(
        "https://sun9-71.userapi.com/impg/AbCdw/photo.jpg?size=1215x1620&quality=95&sign=0a1b2c&type=album",
        "хвс 152",
    ),
    "in_message_new_audio_message": Voice(4),
    "in_message_new_geo": Unreadable("location"),
    "in_message_new_doc_pdf": Unreadable("document"),
    "in_message_new_group_chat": Text("баланс"),
    "in_message_allow": Started("ls_4f2Qk9ZtB1"),
    "in_message_deny": Stopped(),
    "in_user_block": Stopped(),
}
IGNORED = {
    "in_message_reply_admin": "an echo of the community's own side",
    "in_message_reply_bot": "an echo of the community's own side",
    "in_message_edit_bot": "an echo of the community's own side",
}
SAMPLES = sorted(READ | IGNORED)


def sample(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return fields


def read(fields: object, *, again: bool = False) -> Received:
    return decode(fields, group=GROUP, now=NOW, again=again)


def heard(name: str, *, again: bool = False, **changed: Any) -> Incoming:
    """The one update of a sample whose object, or the message in it, has *changed* fields."""
    fields = sample(name)
    changing = fields["object"].get("message", fields["object"])
    changing |= changed
    (incoming,) = read(fields, again=again).updates
    return incoming


def wrapped(name: str, **changed: object) -> bytes:
    return json.dumps(sample(name) | changed).encode()


@pytest.mark.parametrize(("name", "said"), READ.items())
def test_every_kind_of_event_is_read_as_what_it_says(name: str, said: Said) -> None:
    assert heard(name).said == said


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_says_nothing_to_us_is_left_with_a_reason(name: str, reason: str) -> None:
    assert read(sample(name)) == Received((), ignored=reason)


def test_no_sample_is_left_out_of_these_tables() -> None:
    others = {"in_confirmation", "in_retry_headers"}

    assert {path.stem for path in BODIES.glob("in_*.json")} == READ.keys() | IGNORED.keys() | others


def test_long_poll_brings_the_same_events_without_a_secret() -> None:
    (event,) = sample("lp_a_check.response")["updates"]

    (incoming,) = read(event).updates
    assert incoming.said == READ["in_message_new_text"]


def test_an_update_says_who_spoke_where_and_when() -> None:
    assert heard("in_message_new_text") == Incoming(
        channel="vk",
        chat="571204488",
        sender="571204488",
        key="229000111:5bc491893831d3b1d801f2bc122af6697aa4369a",
        order=41,
        sent_at=datetime.fromtimestamp(1790150400, UTC),
        said=Text("Передать показания: хвс 152"),
        private=True,
        language="ru",
    )


@pytest.mark.parametrize(("payload", "pressed"), [('{"p":"read:2026-04"}', "read:2026-04"), ('{"p":""}', "")])
def test_a_button_of_ours_is_a_press_whatever_its_label_says(payload: str, pressed: str) -> None:
    assert heard("in_message_new_text_button", payload=payload).said == Press(pressed)


def test_a_press_in_a_client_too_old_for_it_is_a_press() -> None:
    payload = {"command": "not_supported_button", "payload": json.dumps({"p": "bal"})}

    assert heard("in_message_new_not_supported_button", payload=json.dumps(payload)).said == Press("bal")


def test_a_press_can_be_acknowledged_and_names_its_message() -> None:
    incoming = heard("in_message_event_callback_button", payload={"p": "bal"})

    assert (incoming.said, incoming.acknowledge) == (Press("bal", "42"), "3a5c1f7b9d20")
    assert incoming.sent_at == NOW


def test_a_press_stands_where_it_arrives() -> None:
    assert heard("in_message_event_callback_button").order < 0


def test_a_press_that_comes_again_late_stands_where_its_message_stands() -> None:
    assert heard("in_message_event_callback_button", again=True).order == 42


def test_a_permission_without_a_key_is_silent_for_the_first_message_follows() -> None:
    assert heard("in_message_allow", key="").said == Started(silent=True)


def test_the_button_to_begin_brings_what_its_link_carried() -> None:
    assert heard("in_message_new_start_button", ref="ls_9").said == Started("ls_9")


def test_a_picture_sent_as_a_file_is_a_photo() -> None:
    picture = {"type": "doc", "doc": {"ext": "JPG", "url": "https://vk.com/doc1_2"}}

    assert heard("in_message_new_doc_pdf", attachments=[picture]).said == Photo("https://vk.com/doc1_2")


def test_words_beside_what_we_do_not_read_are_heard() -> None:
    assert heard("in_message_new_doc_pdf", text=" хвс 152 ").said == Text("хвс 152")


@pytest.mark.parametrize("kind", ["sticker", "video", "wall"])
def test_what_we_do_not_read_is_named(kind: str) -> None:
    assert heard("in_message_new_doc_pdf", attachments=[{"type": kind, kind: {}}]).said == Unreadable(kind)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("[club229000111|@erkc_demo], баланс", "баланс"),
        ("@club229000111 баланс", "баланс"),
        ("[id7|Олег] дома", "Олег дома"),
        ("5 < 7 & [x]", "5 < 7 & [x]"),
    ],
)
def test_mentions_are_read_as_they_are_shown(typed: str, words: str) -> None:
    assert heard("in_message_new_text", text=typed).said == Text(words)


def test_a_chat_of_many_is_not_private() -> None:
    incoming = heard("in_message_new_group_chat")

    assert (incoming.chat, incoming.sender, incoming.private) == ("2000000053", "571204488", False)


@pytest.mark.parametrize("changed", [{"text": "/menu"}, {"reply_message": {"from_id": -GROUP}}])
def test_a_command_and_an_answer_in_a_chat_of_many_are_for_us(changed: dict[str, Any]) -> None:
    assert not heard("in_message_new_group_chat", **changed).private


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"peer_id": 2000000053}, "talk of a group"),
        ({"out": 1}, "a message of a community"),
        ({"from_id": -5}, "a message of a community"),
        ({"admin_author_id": 7}, "a message of a community"),
        ({"action": {"type": "chat_invite_user"}}, "a message that nobody wrote"),
    ],
)
def test_words_that_are_not_for_us_are_left(changed: dict[str, Any], reason: str) -> None:
    fields = sample("in_message_new_text")
    fields["object"]["message"] |= changed

    assert read(fields) == Received((), ignored=reason)


def test_an_event_that_vk_may_invent_is_left() -> None:
    fields = sample("in_message_deny") | {"type": "donut_new"}

    assert read(fields).ignored == "an event that we did not ask for: donut_new"


# --- Proof of the sender --------------------------------------------------------------------------


def test_a_body_with_the_secret_of_our_community_is_believed() -> None:
    body = (BODIES / "in_message_new_text.wire.json").read_bytes()

    assert proven(body, group=GROUP, secret=SECRET)["type"] == "message_new"


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "kq7Zr2xV9sT4mPw"},
        {"secret": ""},
        {"secret": None},
        {"secret": ["k"]},
        {"secret": "ключ"},
        {"group_id": 1},
        {"group_id": "229000111"},
        {"group_id": None},
    ],
)
@pytest.mark.parametrize("name", ["in_message_new_text", "in_confirmation"])
def test_a_body_without_either_is_forged(name: str, changed: dict[str, object]) -> None:
    with pytest.raises(ForgedWebhookError):
        proven(wrapped(name, **changed), group=GROUP, secret=SECRET)


def test_a_question_whether_this_is_ours_may_come_without_a_secret() -> None:
    fields = sample("in_confirmation")
    del fields["secret"]

    assert proven(json.dumps(fields).encode(), group=GROUP, secret=SECRET) == fields


def test_an_event_without_a_secret_is_forged() -> None:
    fields = sample("in_message_new_text")
    del fields["secret"]

    with pytest.raises(ForgedWebhookError):
        proven(json.dumps(fields).encode(), group=GROUP, secret=SECRET)


def test_where_there_is_no_secret_nothing_is_believed() -> None:
    with pytest.raises(ForgedWebhookError):
        proven(wrapped("in_message_new_text", secret=""), group=GROUP, secret="")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"group_id":1e999}'])
def test_a_body_that_is_no_object_proves_nothing(body: bytes) -> None:
    with pytest.raises(ForgedWebhookError):
        proven(body, group=GROUP, secret=SECRET)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_prove_nothing(body: bytes) -> None:
    with pytest.raises(ForgedWebhookError):
        proven(body, group=GROUP, secret=SECRET)


# --- Whatever may come ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just('{"p":"bal"}'),
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
    fields = deepcopy(sample(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(fields) or [("type",)]))
        holder: Any = fields
        for step in path:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(JSON)
        elif isinstance(holder, dict):
            holder.pop(last, None)
    return fields


@settings(deadline=None)  # samples are read from files
@given(spoilt_events())
def test_a_spoilt_event_is_read_or_named_unusable(fields: object) -> None:
    try:
        received = read(fields)
    except UnusableUpdateError:
        return

    for incoming in received.updates:
        assert -1 <= incoming.order < 2**63
        assert incoming.sent_at.tzinfo is UTC


@settings(deadline=None)  # samples are read from files
@given(JSON)
def test_a_payload_of_any_kind_is_a_press_of_something(payload: object) -> None:
    assert isinstance(heard("in_message_event_callback_button", payload=payload).said, Press)


def test_the_reason_of_an_unusable_event_holds_nothing_of_it() -> None:
    fields = sample("in_message_new_text")
    fields["object"]["message"]["date"] = "+79161234567"

    with pytest.raises(UnusableUpdateError) as raised:
        read(fields)

    assert "7916" not in str(raised.value)
