"""Our message as the arguments of VK's calls."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vk_messages import CAPABILITIES, encode, random_id
from core.channel import RenderedFile, Sending
from core.messages import Key, Message, Span

CHART = RenderedFile("chart.png", "image/png", b"\x89PNG", "sha-of-chart")


def a_sending(
    *spans: Span,
    keyboard: tuple[tuple[Key, ...], ...] = (),
    replaces: str | None = None,
    files: tuple[RenderedFile, ...] = (),
    plain: bool = False,
) -> Sending:
    return Sending("571204488", 17, Message(spans, keyboard, replaces=replaces), files, plain=plain)


def keyboard_of(*keys: Key, replaces: str | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(
        encode(a_sending(Span("?"), keyboard=(keys,), replaces=replaces))["keyboard"]
    )
    return fields


def test_a_text_goes_as_it_is_with_a_number_against_repeats() -> None:
    assert encode(a_sending(Span("ул. <Мира> & К°"))) == {
        "peer_ids": 571204488,
        "message": "ул. <Мира> & К°",
        "dont_parse_links": 1,
        "disable_mentions": 1,
        "random_id": 18,
    }


def test_styles_are_told_beside_the_text_in_utf16_units() -> None:
    spans = (
        Span("💧 к оплате "),
        Span("😀1", "b"),
        Span(", "),
        Span("оплатить", "a", "https://pay.example/1"),
    )

    assert json.loads(encode(a_sending(*spans))["format_data"]) == {
        "version": 1,
        "items": [
            {"type": "bold", "offset": 12, "length": 3},
            {"type": "url", "offset": 17, "length": 8, "url": "https://pay.example/1"},
        ],
    }


def test_a_plain_text_shows_the_addresses_of_its_links() -> None:
    form = encode(a_sending(Span("Ссылка", "a", "https://pay.example/1"), Span("!", "b"), plain=True))

    assert (form["message"], "format_data" in form) == ("Ссылка https://pay.example/1!", False)


def test_buttons_are_under_the_message_and_carry_our_payload_as_json() -> None:
    keys = (Key("Баланс", "press", "bal"), Key("Оплатить", "link", "https://pay.example/1"))

    assert keyboard_of(*keys) == {
        "one_time": False,
        "inline": True,
        "buttons": [
            [
                {
                    "action": {"type": "callback", "label": "Баланс", "payload": '{"p":"bal"}'},
                    "color": "secondary",
                },
                {"action": {"type": "open_link", "label": "Оплатить", "link": "https://pay.example/1"}},
            ]
        ],
    }


def test_a_menu_that_is_all_there_is_to_choose_stands_at_the_bottom() -> None:
    keyboard = keyboard_of(Key("Меню", "press", "menu"))

    assert (keyboard["inline"], keyboard["one_time"]) == (False, False)
    assert keyboard["buttons"][0][0]["action"] == {
        "type": "text",
        "label": "Меню",
        "payload": '{"p":"menu"}',
    }


def test_an_edit_keeps_its_keyboard_under_the_message() -> None:
    assert keyboard_of(Key("Меню", "press", "menu"), replaces="42")["inline"] is True


def test_an_edit_without_choices_takes_the_buttons_away() -> None:
    form = encode(a_sending(Span("Принято"), replaces="42"))

    assert (form["cmid"], form["keyboard"]) == (42, '{"inline":true,"buttons":[]}')
    assert "random_id" not in form


def test_what_has_a_file_is_sent_and_not_edited() -> None:
    assert "cmid" not in encode(a_sending(Span("Чек"), replaces="42", files=(CHART,)))


def test_an_address_that_is_no_number_cannot_be_carried() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        encode(Sending("durov", 17, Message((Span("?"),))))


@given(st.integers(1, 2**63 - 1))
def test_a_rows_number_is_one_of_32_bits_and_never_zero(token: int) -> None:
    assert 0 < random_id(token) < 2**31
    assert random_id(token) == random_id(token)


@given(st.integers(1, 2**63 - 2))
def test_rows_that_follow_each_other_have_different_numbers(token: int) -> None:
    assert random_id(token) != random_id(token + 1)


@given(
    st.lists(
        st.builds(Span, st.text(min_size=1), st.sampled_from(["", "b", "a"]), st.just("https://a.example")),
        min_size=1,
    )
)
def test_every_style_lies_within_the_text(spans: list[Span]) -> None:
    form = encode(a_sending(*spans))

    end = len(form["message"].encode("utf-16-le", "surrogatepass")) // 2
    for item in json.loads(form.get("format_data", '{"items":[]}'))["items"]:
        assert 0 <= item["offset"] < item["offset"] + item["length"] <= end


@given(st.text(max_size=64).filter(lambda data: len(data.encode("utf-8", "replace")) <= 64))
def test_any_payload_that_fits_us_fits_vk(data: str) -> None:
    payload = keyboard_of(Key("Да", "press", data), Key("Нет", "press", "no"))["buttons"][0][0]["action"][
        "payload"
    ]

    assert len(payload) <= 255
    assert json.loads(payload) == {"p": data}


def test_a_row_of_links_is_never_wider_than_vk_allows() -> None:
    assert CAPABILITIES.columns_max * 2 <= 5
