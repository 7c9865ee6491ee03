"""The calls of the Graph API that are no messages, uploads and faults, against the stand-in; without our adapter."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from bots.simulator.odnoklassniki import Faults
from tests.making_odnoklassniki import RESIDENT, TOKEN, Group, a_body, a_button, a_group, keyboard, param
from tests.making_telegram import a_picture, shape_of

ROW = [a_button()]


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    """A group's bot to which one resident may be written."""
    async with a_group() as group:
        yield group


# --- Calls ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "tknWRONG:C"])
async def test_a_call_without_the_token_is_refused(group: Group, token: str | None) -> None:
    assert await group.call("GET", "me/info", token=token) == a_body("err_103_session_key")


async def test_a_body_of_another_type_is_refused(group: Group) -> None:
    url, params = f"{group.base}/graph/me/subscribe", {"access_token": TOKEN}

    async with group.session.post(url, params=params, json={"url": group.webhook}) as answer:
        assert await answer.json() == a_body("err_2001_graph_param_request")


@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "me/friends"), ("POST", "me/delete"), ("GET", "me/messages")]
)
async def test_an_unknown_call_is_refused(group: Group, verb: str, path: str) -> None:
    body: dict[str, object] | None = {} if verb == "POST" else None

    assert await group.call(verb, path, body) == a_body("err_2001_graph_param_request")


async def test_a_group_knows_its_name_and_its_chats(group: Group) -> None:
    assert shape_of(await group.get("me/info")) == shape_of(a_body("out_me_info.response"))
    chat = await group.get(f"me/chat/{group.chat}")
    assert shape_of(chat | {"participants": {}}) == shape_of(
        a_body("out_me_chat.response") | {"participants": {}}
    )
    assert shape_of(await group.get(f"{group.chat}/url")) == shape_of(a_body("out_chat_url.response"))


async def test_chats_come_the_latest_first_and_by_pages(group: Group) -> None:
    group.clock.now += timedelta(minutes=1)
    group.ok.start("neighbour", "")

    first = await group.get("me/chats", count="1")
    second = await group.get("me/chats", count="1", marker=first["marker"])

    assert [each["chat_id"] for page in (first, second) for each in page["chats"]][1] == group.chat
    assert "marker" not in second


async def test_a_history_goes_back_from_the_later_end_and_holds_both_sides(group: Group) -> None:
    group.ok.say(RESIDENT, "раз")
    group.clock.now += timedelta(minutes=1)
    await group.send("два")
    now_ms = str(int(group.clock.now.timestamp() * 1000))

    page = await group.get(f"me/messages/{group.chat}")
    later = await group.get(f"me/messages/{group.chat}", **{"from": now_ms, "to": now_ms})

    assert [each["message"]["text"] for each in page["messages"]] == ["два", "раз"]
    assert [each["message"]["text"] for each in later["messages"]] == ["два"]
    assert (await group.get(f"me/messages/{group.chat}", **{"from": "1", "to": "2"}))["error_code"] == 100
    assert (await group.get(f"me/messages/{group.chat}", count="101"))["error_code"] == 100


async def test_the_mid_of_a_message_holds_its_seq_and_its_time(group: Group) -> None:
    mid = (await group.send())["message_id"]

    chat, _, seq = mid.removeprefix("mid:").partition(".")

    assert f"chat:{chat}" == group.chat
    assert int(seq, 16) >> 16 == int(group.clock.now.timestamp() * 1000)


async def test_messages_too_fast_in_a_chat_are_held_back(group: Group) -> None:
    answers = [await group.send() for _ in range(6)]

    assert [answer.get("error_code") for answer in answers] == [None] * 5 + [8]
    assert answers[-1] == a_body("err_008_flood_blocked")


async def test_a_group_too_fast_in_all_chats_is_held_back() -> None:
    async with a_group(group_per_s=2, chat_burst=9) as group:
        answers = [await group.send() for _ in range(3)]

    assert [answer.get("error_code") for answer in answers] == [None, None, 8]


async def test_an_answer_to_a_press_needs_the_press_and_a_message(group: Group) -> None:
    await group.subscribe()
    await group.send(attachments=[keyboard(ROW)])
    group.ok.press(RESIDENT, group.shown()[-1]["id"], "yes")
    await group.ok.events.drained()
    press = group.heard.events[-1]["callbackId"]

    answered = await group.post(
        f"{group.chat}/answer", a_body("out_answer_callback.request"), callbackId=press
    )

    assert "message_id" in answered
    assert group.shown()[-1]["text"] == "Принято: 152 м³"
    assert (await group.post(f"{group.chat}/answer", {}, callbackId=press))["error_code"] == 100
    assert (await group.post(f"{group.chat}/answer", {"message": {"text": "x"}}))["error_code"] == 100


# --- Files ----------------------------------------------------------------------------------------


async def test_a_file_is_put_on_another_server_and_then_sent(group: Group) -> None:
    token = await group.upload("FILE", b"%PDF-1.7", "application/pdf", "счёт.pdf")

    await group.send(attachment={"type": "FILE", "payload": {"token": token}})
    await group.send(attachment={"type": "FILE", "payload": {"token": token}})

    assert [file["name"] for file in group.shown()[-1]["files"]] == ["счёт.pdf"]


@pytest.mark.parametrize("kind", ["FILE", "IMAGE"])
async def test_the_place_for_a_file_is_named_as_the_platform_names_it(group: Group, kind: str) -> None:
    place = await group.get("me/fileUploadUrl", type=kind)

    assert shape_of(place) == shape_of(a_body(f"out_file_upload_url_{kind.lower()}.response"))


async def test_a_file_of_another_kind_is_refused(group: Group) -> None:
    token = await group.upload("FILE", a_picture(), "image/png")

    answer = await group.send(attachment={"type": "IMAGE", "payload": {"token": token}})

    assert answer == param("attachment.payload.token is unknown")


async def test_a_place_without_a_file_cannot_be_sent(group: Group) -> None:
    token = (await group.get("me/fileUploadUrl"))["token"]

    answer = await group.send(attachment={"type": "FILE", "payload": {"token": token}})

    assert answer == param("attachment is not processed yet")


async def test_an_upload_is_not_ready_at_once() -> None:
    async with a_group(settle_s=60.0) as group:
        token = await group.upload("FILE", b"%PDF-1.7", "application/pdf")

        answer = await group.send(attachment={"type": "FILE", "payload": {"token": token}})

    assert answer == param("attachment is not processed yet")


BAD_UPLOADS: dict[str, tuple[str, bytes, str, dict[str, str]]] = {
    "a picture that is none": ("file", b"%PDF-1.7", "image/png", {}),
    "a picture of the wrong type": ("file", a_picture(), "application/pdf", {}),
    "another part": ("photo", a_picture(), "image/png", {}),
    "nothing": ("file", b"", "image/png", {}),
    "the token, which is not for this server": ("file", a_picture(), "image/png", {"access_token": TOKEN}),
}


@pytest.mark.parametrize(("part", "content", "kind", "query"), BAD_UPLOADS.values(), ids=BAD_UPLOADS.keys())
async def test_a_bad_upload_is_refused(
    group: Group, part: str, content: bytes, kind: str, query: dict[str, str]
) -> None:
    place = await group.get("me/fileUploadUrl", type="IMAGE")
    form = aiohttp.FormData()
    form.add_field(part, content, filename="a.png", content_type=kind)

    async with group.session.post(place["url"], params=query, data=form) as answer:
        assert answer.status == 400


async def test_a_file_that_is_too_large_is_refused() -> None:
    async with a_group(upload_bytes_max=10) as group:
        place = await group.get("me/fileUploadUrl")
        form = aiohttp.FormData()
        form.add_field("file", b"x" * 11, filename="a.pdf")

        async with group.session.post(place["url"], data=form) as answer:
            assert answer.status == 413


# --- Faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [2, 8, 11, 102, 455, 511, 5000, 9999])
async def test_a_fault_strikes_as_often_as_asked(group: Group, code: int) -> None:
    group.ok.faults = Faults(error_code=code, times=1)

    assert (await group.get("me/info"))["error_code"] == code
    assert "name" in await group.get("me/info")


async def test_a_gateway_answers_with_a_page(group: Group) -> None:
    group.ok.faults = Faults(bad_gateway=True, only=frozenset({"info"}), times=1)

    async with group.session.get(f"{group.base}/graph/me/info?access_token={TOKEN}") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")
    assert "subscriptions" in await group.get("me/subscriptions")


async def test_a_lost_answer_leaves_the_message_sent(group: Group) -> None:
    group.ok.faults = Faults(lose_answer=True, only=frozenset({"messages"}), times=1)

    with pytest.raises(aiohttp.ClientError):
        await group.send("дошло")

    assert group.shown()[-1]["text"] == "дошло"


async def test_every_call_is_on_record(group: Group) -> None:
    await group.send("x" * 2001)

    last = group.ok.calls[-1]

    assert (last.verb, last.path, last.code) == ("POST", f"me/messages/{group.chat}", 100)
