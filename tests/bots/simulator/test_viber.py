"""Every limit and every number of Viber's API, against the stand-in over real HTTP and without our adapter."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bots.simulator.viber import Faults
from bots.simulator.viber.limits import STATUSES
from tests.making_viber import (
    BODIES,
    PNG,
    RESIDENT,
    TOKEN,
    Bot,
    a_body,
    a_bot,
    a_button,
    a_keyboard,
    begin,
)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """A bot to which a resident has written."""
    async with a_bot() as bot:
        await begin(bot)
        yield bot


# --- What is taken --------------------------------------------------------------------------------

SENT = [path.name.removesuffix(".request.json") for path in sorted(BODIES.glob("out_*.request.json"))]


@pytest.mark.parametrize("name", SENT)
async def test_each_body_that_bots_are_known_to_send_is_taken(bot: Bot, name: str) -> None:
    methods = {
        "out_broadcast": "broadcast_message",
        "out_get_account_info": "get_account_info",
        "out_get_user_details": "get_user_details",
        "out_set_webhook": "set_webhook",
        "out_remove_webhook": "set_webhook",
    }
    user = bot.viber.user(RESIDENT)
    text = json.dumps(a_body(f"{name}.request")).replace("jK3mQ9vT2xLr8WbNz5HcYg==", user)

    answer = await bot.done(methods.get(name, "send_message"), **json.loads(text))

    if (BODIES / f"{name}.response.json").exists():
        known = a_body(f"{name}.response").keys()
        assert answer.keys() - known <= {"chat_hostname"}
        assert known - answer.keys() <= {"location", "icon", "background", "members"}


LAWFUL: dict[str, dict[str, object]] = {
    "7000 characters": {"text": "я" * 7000},
    "a name of 28": {"sender": {"name": "я" * 28}},
    "4000 of tracking data": {"tracking_data": "x" * 4000},
    "level 10": {"min_api_version": 10},
    "an address of 2000": {"type": "url", "text": None, "media": "https://x.ru/".ljust(2000, "x")},
    "only a keyboard": {"type": None, "text": None, "keyboard": a_keyboard()},
    "12 rows": {"keyboard": a_keyboard(*[a_button()] * 12)},
    "24 buttons in 12 rows": {"keyboard": a_keyboard(*[a_button(Columns=3)] * 24)},
    "a label of 250": {"keyboard": a_keyboard(a_button(Text="я" * 250))},
    "a label with tags": {"keyboard": a_keyboard(a_button(Text='<b>5</b> &lt; <font color="#f00">6</font>'))},
    "sharing at level 3": {"keyboard": a_keyboard(a_button(ActionType="share-phone")), "min_api_version": 3},
}


@pytest.mark.parametrize("fields", LAWFUL.values(), ids=LAWFUL.keys())
async def test_a_message_within_the_limits_is_taken_and_shown(bot: Bot, fields: dict[str, object]) -> None:
    before = len(bot.shown())

    assert (await bot.send(**fields))["status"] == 0

    assert len(bot.shown()) == before + 1
    assert bot.viber.not_shown == []


# --- What is refused ------------------------------------------------------------------------------

FILE: dict[str, object] = {
    "type": "file",
    "text": None,
    "media": "https://x.ru/a.pdf",
    "size": 10,
    "file_name": "a.pdf",
}
PICTURE: dict[str, object] = {"type": "picture", "text": "", "media": "https://x.ru/a.png"}
REFUSED: dict[str, tuple[dict[str, object], int]] = {
    "7001 characters": ({"text": "я" * 7001}, 3),
    "more than 30 KB": ({"text": "x", "tracking_data": "", "junk": "x" * 31_000}, 3),
    "no text": ({"text": None}, 4),
    "an empty text": ({"text": ""}, 4),
    "white space": ({"text": " \n"}, 4),
    "a number for text": ({"text": 5}, 3),
    "no type": ({"type": None}, 4),
    "an unknown type": ({"type": "hologram"}, 3),
    "no sender": ({"sender": None}, 4),
    "a sender without a name": ({"sender": {}}, 4),
    "a name of 29": ({"sender": {"name": "я" * 29}}, 3),
    "4001 of tracking data": ({"tracking_data": "x" * 4001}, 3),
    "level 0": ({"min_api_version": 0}, 3),
    "level 11": ({"min_api_version": 11}, 13),
    "sharing at level 2": (
        {"keyboard": a_keyboard(a_button(ActionType="share-phone")), "min_api_version": 2},
        14,
    ),
    "rich media at level 6": (
        {
            "type": "rich_media",
            "min_api_version": 6,
            "rich_media": {"ButtonsGroupColumns": 6, "ButtonsGroupRows": 2, "Buttons": []},
        },
        14,
    ),
    "no receiver": ({"receiver": None}, 4),
    "nobody's id": ({"receiver": "bm9ib2R5"}, 5),
    "an address of 2001": ({"type": "url", "media": "https://x.ru/".ljust(2001, "x")}, 3),
    "an address that is none": ({"type": "url", "media": "оплата"}, 3),
    "a caption of 769": (PICTURE | {"text": "я" * 769}, 3),
    "a picture without a caption": (PICTURE | {"text": None}, 4),
    "a picture without an address": (PICTURE | {"media": None}, 4),
    "a picture with another ending": (PICTURE | {"media": "https://x.ru/a.webp"}, 3),
    "a file without its size": (FILE | {"size": None}, 4),
    "a file of 51 MB": (FILE | {"size": 51 * 1024 * 1024}, 3),
    "a file without a name": (FILE | {"file_name": None}, 4),
    "a file's name of 257": (FILE | {"file_name": "x" * 253 + ".pdf"}, 3),
    "a file without an ending": (FILE | {"file_name": "bill"}, 3),
    "an address without an ending": (FILE | {"media": "https://x.ru/a"}, 3),
    "a program": (FILE | {"file_name": "bill.exe"}, 3),
    "a video of 27 MB": ({"type": "video", "media": "https://x.ru/a.mp4", "size": 27 * 1024 * 1024}, 3),
    "a contact without a phone": ({"type": "contact", "contact": {"name": "Диспетчер"}}, 4),
    "a place beyond the pole": ({"type": "location", "location": {"lat": 91, "lon": 0}}, 3),
    "no sticker": ({"type": "sticker"}, 4),
}


@pytest.mark.parametrize(("fields", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_message_beyond_the_limits_is_refused_by_number(
    bot: Bot, fields: dict[str, object], status: int
) -> None:
    before = bot.shown()

    answer = await bot.send(**fields)

    assert (answer["status"], answer["status_message"]) == (status, STATUSES[status])
    assert bot.shown() == before


# --- What the phone does not show -----------------------------------------------------------------

NOT_SHOWN: dict[str, dict[str, object]] = {
    "13 rows": a_keyboard(*[a_button()] * 13),
    "a row of 7 columns": a_keyboard(a_button(Columns=7)),
    "a button 3 rows high": a_keyboard(a_button(Rows=3)),
    "no buttons": {"Type": "keyboard", "Buttons": []},
    "another Type": a_keyboard(Type="bottom"),
    "a field in small letters": a_keyboard(buttons=[]),
    "an unknown field of a button": a_keyboard(a_button(Payload="x")),
    "an empty body": a_keyboard(a_button(ActionBody="")),
    "an unknown action": a_keyboard(a_button(ActionType="call")),
    "an address that is none": a_keyboard(a_button(ActionType="open-url", ActionBody="оплата")),
    "a label of 251": a_keyboard(a_button(Text="я" * 251)),
    "a sign not escaped": a_keyboard(a_button(Text="больше < 5")),
    "an ampersand not escaped": a_keyboard(a_button(Text="вода & свет")),
    "no label": a_keyboard(a_button(Text=" ")),
}


@pytest.mark.parametrize("keyboard", NOT_SHOWN.values(), ids=NOT_SHOWN.keys())
async def test_a_bad_keyboard_is_taken_and_then_fails_on_the_phone(
    bot: Bot, keyboard: dict[str, object]
) -> None:
    before = bot.shown()

    answer = await bot.send(keyboard=keyboard)
    failed = await bot.next("failed")

    assert answer["status"] == 0
    assert failed.body["message_token"] == answer["message_token"]
    assert failed.body["desc"] == bot.viber.not_shown[-1]
    assert bot.shown() == before


async def test_a_picture_is_fetched_and_shown(bot: Bot) -> None:
    bot.files["qr.png"] = ("image/png", PNG)

    await bot.send(type="picture", text="QR", media=f"{bot.base}/files/qr.png")

    [file] = bot.shown()[-1]["files"]
    assert bot.shown()[-1]["text"] == "QR"
    assert bot.viber.file(RESIDENT, file["url"].rpartition("/")[2]).content == PNG


async def test_a_file_is_shown_by_its_name(bot: Bot) -> None:
    bot.files["bill.pdf"] = ("application/pdf", b"%PDF")
    fields = FILE | {"media": f"{bot.base}/files/bill.pdf", "size": 4, "file_name": "Квитанция.pdf"}

    await bot.send(**fields)

    assert [(file["name"], file["type"]) for file in bot.shown()[-1]["files"]] == [
        ("Квитанция.pdf", "application/pdf")
    ]


BAD_FILES: dict[str, tuple[dict[str, object], tuple[str, bytes]]] = {
    "a picture larger than an iPhone shows": (PICTURE, ("image/png", bytes(1024 * 1024 + 1))),
    "a picture that is none": (PICTURE, ("text/html", b"<html>")),
    "a file of another size than was said": (FILE, ("application/pdf", b"%PDF")),
}


@pytest.mark.parametrize(("fields", "file"), BAD_FILES.values(), ids=BAD_FILES.keys())
async def test_a_bad_file_fails_on_the_phone(
    bot: Bot, fields: dict[str, object], file: tuple[str, bytes]
) -> None:
    name = str(fields["media"]).rpartition("/")[2]
    bot.files[name] = file

    answer = await bot.send(**fields | {"media": f"{bot.base}/files/{name}"})
    failed = await bot.next("failed")

    assert (answer["status"], failed.body["message_token"]) == (0, answer["message_token"])


async def test_a_file_elsewhere_is_not_fetched(bot: Bot) -> None:
    await bot.send(**FILE)

    assert (await bot.next("failed")).body["desc"] == "media cannot be reached"


# --- Who may call, how often and for whom ---------------------------------------------------------


async def test_a_wrong_token_is_refused(bot: Bot) -> None:
    assert (await bot.call("get_account_info", token="other"))["status"] == 2


async def test_who_has_not_written_yet_cannot_be_written_to() -> None:
    async with a_bot() as bot:
        bot.viber.look(RESIDENT, "")

        assert await bot.status("send_message", **bot.a_message()) == 6


async def test_who_has_left_cannot_be_written_to_until_he_comes_back(bot: Bot) -> None:
    bot.viber.block(RESIDENT)
    gone = await bot.next("unsubscribed")

    assert gone.body["user_id"] == bot.viber.user(RESIDENT)
    assert (await bot.send())["status"] == 6

    bot.viber.unblock(RESIDENT)

    assert (await bot.next("subscribed")).body["user"]["id"] == bot.viber.user(RESIDENT)
    assert (await bot.send())["status"] == 0


async def test_without_a_webhook_nothing_is_sent(bot: Bot) -> None:
    await bot.done("set_webhook", url="")

    assert (await bot.send())["status"] == 10


async def test_a_hundred_messages_an_hour_go_to_one_who_says_nothing(bot: Bot) -> None:
    statuses = [(await bot.send())["status"] for _ in range(101)]

    assert statuses == [0] * 100 + [12]

    bot.viber.say(RESIDENT, "да")

    assert (await bot.send())["status"] == 0


async def test_details_of_a_person_are_told_twice(bot: Bot) -> None:
    user = bot.viber.user(RESIDENT)

    assert [await bot.status("get_user_details", id=user) for _ in range(3)] == [0, 0, 12]


async def test_a_broadcast_names_those_whom_it_does_not_reach(bot: Bot) -> None:
    answer = await bot.done(
        "broadcast_message",
        broadcast_list=[bot.viber.user(RESIDENT), "bm9ib2R5"],
        **bot.a_message(receiver=None),
    )

    assert [(each["receiver"], each["status"]) for each in answer["failed_list"]] == [("bm9ib2R5", 5)]
    too_many = ["x"] * 301
    assert await bot.status("broadcast_message", broadcast_list=too_many, **bot.a_message(receiver=None)) == 3


async def test_a_body_that_is_no_json_is_bad_data(bot: Bot) -> None:
    headers = {"X-Viber-Auth-Token": TOKEN}
    async with bot.session.post(f"{bot.base}/pa/send_message", data=b"{", headers=headers) as answer:
        assert (await answer.json())["status"] == 3


async def test_a_method_that_there_is_not_is_not_found(bot: Bot) -> None:
    async with bot.session.post(f"{bot.base}/pa/send_telepathy") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("name", [path.stem for path in sorted(BODIES.glob("err_*.json"))])
async def test_every_known_number_is_answered_as_viber_words_it(bot: Bot, name: str) -> None:
    known = a_body(name)
    bot.viber.faults = Faults(status=known["status"], times=1)

    answer = await bot.send()

    assert answer == {key: value for key, value in known.items() if key != "message_token"}


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        (Faults(server_error=True, times=1), 500),
        (Faults(bad_gateway=True, times=1), 502),
        (Faults(retry_after_s=7, times=1), 429),
        (Faults(http_status=403, times=1), 403),
    ],
)
async def test_a_gateway_fails_when_it_is_told_to_and_then_no_more(
    bot: Bot, faults: Faults, status: int
) -> None:
    bot.viber.faults = faults
    headers = {"X-Viber-Auth-Token": TOKEN}

    async with bot.session.post(f"{bot.base}/pa/get_account_info", headers=headers) as answer:
        assert answer.status == status

    await bot.done("get_account_info")


async def test_a_lost_answer_has_done_what_was_asked(bot: Bot) -> None:
    bot.viber.faults = Faults(lose_answer=True, times=1)

    with pytest.raises(aiohttp.ClientError):
        await bot.send(text="дошло")

    assert bot.shown()[-1]["text"] == "дошло"
