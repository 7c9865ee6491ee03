"""Masks show no more than they may; a channel carries nothing above its ceiling."""

from string import digits
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.channel import Capabilities
from core.driving import replay
from core.fitting import fit
from core.messages import (
    BillDocument,
    Button,
    ContactButton,
    DataClass,
    Document,
    Key,
    LinkButton,
    Message,
    Month,
    PaymentQr,
    Press,
    PressButton,
    Reply,
    Span,
    UsageChart,
    press,
    say,
    text,
)
from core.money import Money
from core.privacy import (
    Ceiling,
    class_of,
    masked_address,
    masked_number,
    masked_serial,
    permitted,
    still_permitted,
    withheld,
)
from core.routing import route
from core.wording import Words
from tests.making_people import a_newcomer

LETTERS = st.text(alphabet="бвгджз", min_size=2, max_size=12)
NUMBERS = st.text(alphabet=digits, min_size=5, max_size=20)


@pytest.mark.parametrize(
    ("masked", "shown"),
    [
        (masked_number("0012344567"), "•••• 4567"),
        (masked_number("12345"), "•••• 45"),
        (masked_serial("11116342"), "…6342"),
        (masked_serial("634"), "…4"),
        (masked_address(street="ул. Строителей", house="4а", flat="12"), "ул. С…ей, д. 4а, кв. •2"),
        (masked_address(street="пр-д Ключевой", house="1", flat="112"), "пр-д К…ой, д. 1, кв. ••2"),
        (masked_address(street="ул. Мира", house="1", block="2"), "ул. М…, д. 1, корп. 2"),
        (masked_address(street="ул. Мира", house="1", flat="5", room="3"), "ул. М…, д. 1"),
        (masked_address(street="ул. Мира", house="1", flat="12/3"), "ул. М…, д. 1, кв. ••/3"),
    ],
)
def test_each_mask_is_as_the_sheet_shows_it(masked: str, shown: str) -> None:
    assert masked == shown


@given(number=NUMBERS)
def test_at_least_half_of_a_number_is_hidden(number: str) -> None:
    assert 2 * sum(letter.isdigit() for letter in masked_number(number)) <= len(number)


@given(street=LETTERS, flat=st.from_regex(r"[1-9][0-9]{0,2}([аб]|/[1-9])?", fullmatch=True))
def test_an_address_tells_neither_the_street_nor_the_flat(street: str, flat: str) -> None:
    masked = masked_address(street=f"ул. {street}", house="4", flat=flat)
    shown_street, _, *shown_flat = masked.split(", ")

    assert street not in shown_street
    assert flat not in "".join(shown_flat).removeprefix("кв. ")


# --- Ceilings ----------------------------------------------------------------------------------------

CLASSES = st.sampled_from(DataClass)
CEILINGS = st.sampled_from([Ceiling.of("open"), Ceiling.of("strict")])
BUTTONS: st.SearchStrategy[Button] = st.one_of(
    st.builds(
        lambda data_class, neutral: PressButton(text("secret"), "do", data_class, neutral),
        CLASSES,
        st.sampled_from([None, text("neutral")]),
    ),
    st.builds(lambda data_class: LinkButton(text("secret"), "https://secret", data_class), CLASSES),
    st.just(ContactButton(text("share"))),
)
DOCUMENTS: st.SearchStrategy[Document] = st.sampled_from(
    [BillDocument(1, Month(2026, 5)), PaymentQr(1, Money(5)), UsageChart(1, Month(2026, 5))]
)


def replies(lesser: st.SearchStrategy[Any]) -> st.SearchStrategy[Reply]:
    return st.builds(
        lambda data_class, rows, documents, lesser: say(
            text("secret"),
            keyboard=tuple(map(tuple, rows)),
            data_class=data_class,
            documents=tuple(documents),
            lesser=lesser,
        ),
        CLASSES,
        st.lists(st.lists(BUTTONS, min_size=1, max_size=3), max_size=3),
        st.lists(DOCUMENTS, max_size=2),
        lesser,
    )


REPLIES = replies(st.none() | replies(st.none()))


def carried(button: Button, ceiling: Ceiling) -> bool:
    return isinstance(button, ContactButton) or ceiling.carries(button.data_class)


@given(reply=REPLIES, ceiling=CEILINGS)
def test_nothing_above_the_ceiling_is_left(reply: Reply, ceiling: Ceiling) -> None:
    told = permitted(reply, ceiling)

    assert ceiling.carries(told.data_class)
    assert told.lesser is None
    assert all(ceiling.carries(class_of(document)) for document in told.documents)
    assert all(carried(button, ceiling) for row in told.keyboard for button in row)


@given(reply=REPLIES, ceiling=CEILINGS)
def test_no_press_of_what_is_told_is_lost(reply: Reply, ceiling: Ceiling) -> None:
    told = permitted(reply, ceiling)

    form = reply
    while not ceiling.carries(form.data_class) and form.lesser is not None:
        form = form.lesser
    asked = [button for row in form.keyboard for button in row if isinstance(button, PressButton)]
    kept = [button for row in told.keyboard for button in row if isinstance(button, PressButton)]
    assert [button.payload for button in kept] == [button.payload for button in asked]


@given(reply=REPLIES)
def test_what_may_be_said_is_said_as_it_is(reply: Reply) -> None:
    whole = Ceiling(DataClass.SENSITIVE)

    assert permitted(reply, whole).body == reply.body
    assert permitted(reply, whole).keyboard == reply.keyboard


def test_the_lesser_form_stands_in_for_what_is_too_much() -> None:
    reply = say(text("debt"), data_class=DataClass.PERSONAL, lesser=say(text("look-at-the-bill")))

    assert permitted(reply, Ceiling.of("strict")).body == (text("look-at-the-bill"),)
    assert permitted(reply, Ceiling.of("open")).body == (text("debt"),)


def test_without_a_lesser_form_a_neutral_sentence_leads_elsewhere() -> None:
    elsewhere = LinkButton(text("privacy-show-button"), "https://centre.example/once")
    reply = say(text("debt"), keyboard=((press("menu-button", "menu"),),), data_class=DataClass.PERSONAL)

    told = permitted(reply, Ceiling.of("strict"), elsewhere=elsewhere)

    assert told.body == (text("privacy-not-here"), text("privacy-shown-once"))
    assert told.keyboard == ((elsewhere,), *reply.keyboard)


def test_a_label_that_tells_too_much_becomes_neutral() -> None:
    button = press("pay", "pay", data_class=DataClass.PERSONAL, neutral=text("pay-neutral"))
    reply = say(text("menu-plain"), keyboard=((button,),))

    assert permitted(reply, Ceiling.of("strict")).keyboard == ((press("pay-neutral", "pay"),),)


@given(reply=REPLIES, ceiling=CEILINGS)
def test_a_reply_is_withheld_where_all_that_is_left_of_it_is_a_neutral_sentence(
    reply: Reply, ceiling: Ceiling
) -> None:
    told = permitted(reply, ceiling)

    assert withheld(reply, ceiling) == (told.body == (text("privacy-not-here"),))


# --- Once more at sending ----------------------------------------------------------------------------

WORDS = Words("ru", ZoneInfo("Europe/Moscow"))
KEYS = st.builds(
    lambda kind, data_class: Key("secret", kind, "do" if kind == "press" else "https://secret", data_class),
    st.sampled_from(["press", "link"]),
    CLASSES,
)
MESSAGES = st.builds(
    lambda data_class, rows, documents, edits: Message(
        (Span("secret"),) if data_class else (),
        tuple(map(tuple, rows)),
        tuple(documents),
        replaces="7" if edits else None,
        data_class=data_class,
    ),
    CLASSES,
    st.lists(st.lists(KEYS, min_size=1, max_size=3), max_size=3),
    st.lists(DOCUMENTS, max_size=2),
    st.booleans(),
)


@given(message=MESSAGES, ceiling=CEILINGS)
def test_what_was_queued_under_a_higher_ceiling_loses_all_that_is_above_the_new_one(
    message: Message, ceiling: Ceiling
) -> None:
    told = still_permitted(message, ceiling, WORDS)

    keys = [key for row in message.keyboard for key in row]
    kept = [key for row in told.keyboard for key in row]
    assert told.spans or told.documents
    assert ceiling.carries(message.data_class) or "secret" not in told.plain
    assert all(ceiling.carries(class_of(document)) for document in told.documents)
    assert sum(key.label == "secret" for key in kept) == sum(ceiling.carries(key.data_class) for key in keys)
    assert [key.data for key in kept if key.kind == "press"] == [
        key.data for key in keys if key.kind == "press"
    ]
    assert told.replaces == message.replaces


@given(message=MESSAGES)
def test_what_was_queued_and_may_be_sent_is_sent_as_it_is(message: Message) -> None:
    sent = still_permitted(message, Ceiling(DataClass.SENSITIVE), WORDS)

    assert sent == message or not message.plain


def test_a_page_of_choices_keeps_what_their_labels_disclose() -> None:
    rows = tuple(
        (press("verbatim", f"pay:{n}", data_class=DataClass.PERSONAL, text="1,00 ₽"),) for n in range(9)
    )
    fitted = fit(say(text("menu-plain"), keyboard=rows), words=WORDS, within=NARROW)
    assert fitted.offered is not None

    turned = replay(route(a_newcomer(Press(f"page:1:{fitted.offered.tag}")), fitted.offered), {})

    told = permitted(turned.replies[0], Ceiling.of("strict"))
    assert "₽" not in "".join(WORDS.plain(button.label) for row in told.keyboard for button in row)


NARROW = Capabilities(
    text_chars_max=1000, caption_chars_max=1000, rows_max=4, columns_max=1, buttons_max=4, label_chars_max=30
)
