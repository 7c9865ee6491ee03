"""What the words mean that residents type about meters: labels, rooms, units, signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from core.meters import COLD_WATER, ELECTRICITY, GAS, HEATING, HOT_WATER


class Number(msgspec.Struct, frozen=True):
    """Digits as typed, the point for a comma. *misprint*: what stood there, letters among the digits."""

    digits: str
    misprint: str = ""
    plus: bool = False


class Label(msgspec.Struct, frozen=True):
    """Words that say which meters: any of *services*, the register, the *ordinal*-th such meter."""

    services: tuple[str, ...] = ()
    register: int | None = None
    ordinal: int | None = None


class Place(msgspec.Struct, frozen=True):
    """A word for a room."""

    word: str


class Serial(msgspec.Struct, frozen=True):
    """The serial of a meter, or its last digits."""

    end: str


class Unit(msgspec.Struct, frozen=True):
    """A unit of measure, and the services that are measured in it."""

    services: tuple[str, ...]


class Sign(Enum):
    """Words with a meaning of their own."""

    SAME = "same"
    USED = "used"
    MISTAKEN = "mistaken"
    RATHER = "rather"
    PLUS = "plus"
    ADDRESS = "address"
    MONTH = "month"
    MONEY = "money"
    NOISE = "noise"
    UNKNOWN = "unknown"


Token: TypeAlias = Number | Label | Place | Serial | Unit | Sign


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_WATER: Final = (COLD_WATER, HOT_WATER)
_ELECTRIC: Final = (ELECTRICITY,)

# Whole words. The short ones would be found in anything if they were stems.
_LABELS: Final[Mapping[str, Label]] = {
    **dict.fromkeys(("хвс", "хв", "х", "хсв", "hvs", "xvs"), Label((COLD_WATER,))),
    **dict.fromkeys(("гвс", "гв", "г", "гсв", "gvs"), Label((HOT_WATER,))),
    **dict.fromkeys(("эл", "э", "ээ", "элво"), Label(_ELECTRIC)),
    **dict.fromkeys(("т1", "день", "дн", "пик", "дневной", "дневная", "днем"), Label(register=1)),
    **dict.fromkeys(("т2", "ночью"), Label(register=2)),
    **dict.fromkeys(("т3", "полупик", "пп"), Label(register=3)),
    "эд": Label(_ELECTRIC, 1),
    "эн": Label(_ELECTRIC, 2),
    "вода": Label(_WATER),
    "воды": Label(_WATER),
    "воду": Label(_WATER),
    "cold": Label((COLD_WATER,)),
    "hot": Label((HOT_WATER,)),
    "water": Label(_WATER),
    **dict.fromkeys(("power", "electricity", "electric", "light"), Label(_ELECTRIC)),
    "gas": Label((GAS,)),
    **dict.fromkeys(("heat", "heating"), Label((HEATING,))),
    **dict.fromkeys(("day", "peak"), Label(register=1)),
    "night": Label(register=2),
}
# Labels that may stand between the number of a meter and its value: `1х67`.
ORDINAL_LABELS: Final[Mapping[str, Label]] = {word: _LABELS[word] for word in ("х", "г", "э", "эд", "эн")}
_LABEL_STEMS: Final[Sequence[tuple[str, Label]]] = (
    ("хол", Label((COLD_WATER,))),
    ("гор", Label((HOT_WATER,))),
    ("гаряч", Label((HOT_WATER,))),
    ("свет", Label(_ELECTRIC)),
    ("элек", Label(_ELECTRIC)),
    ("газ", Label((GAS,))),
    ("тепл", Label((HEATING,))),
    ("отопл", Label((HEATING,))),
    ("ноч", Label(register=2)),
    ("полупик", Label(register=3)),
)
_NOT_LABELS: Final = frozenset({"город", "города", "городе", "горит", "холодильник", "газета"})
_UNITS: Final[Mapping[str, Unit]] = {
    **dict.fromkeys(
        ("м3", "м", "куб", "куба", "кубов", "кубометр", "кубометра", "кубометров", "кубы"),
        Unit((*_WATER, GAS)),
    ),
    **dict.fromkeys(("квт", "квтч", "квтчас", "киловатт", "квч"), Unit(_ELECTRIC)),
    **dict.fromkeys(("гкал", "мвт", "гдж"), Unit((HEATING,))),
}
_PLACE_STEMS: Final = ("кух", "ванн", "сануз", "туал", "корид", "прихож", "подвал", "гараж", "душ", "стояк")
# Rooms in English, as places are called in what billing sends.
_ROOMS: Final[Mapping[str, str]] = {
    "kitchen": "кухня",
    "bath": "ванная",
    "bathroom": "санузел",
    "toilet": "туалет",
    **dict.fromkeys(("hall", "hallway"), "прихожая"),
    "corridor": "коридор",
}
_USED_STEMS: Final = (
    "прибав",
    "расход",
    "израсход",
    "потрат",
    "набежал",
    "намотал",
    "использов",
    "потреб",
    "used",
)
_MISTAKEN_STEMS: Final = (
    "ошиб",
    "исправ",
    "опечат",
    "перепут",
    "неверн",
    "неправильн",
    "описал",
    "mistak",
    "wrong",
    "correct",
    "incorrect",
)
_MONEY: Final = frozenset(
    {"?", "руб", "рублей", "рубля", "рубль", "р", "₽", "коп", "копеек", "сколько", "почему", "когда", "долг"}
)
_NOISE: Final = _words(
    "а в во и на по за за от от до с со у к это этот эта вот мой моя мои мое меня мне я мы у нас там тут "
    "показание показания показаний показанию счетчик счетчика счетчики счетчиков счетчику счетчикам ипу "
    "прибор прибора приборы учета передать передаю передаем передам отправить отправляю добавить добавьте "
    "внести внесите запишите запиши примите прими прошу пожалуйста пж плиз здравствуйте привет добрый доброе "
    "утро вечер сутра спасибо сегодня сейчас теперь текущие текущее новые новое равно лс лицевой счет счета "
    "пу номер значение значения было был была стало прошлый прошлого прошлом раз месяц месяца месяце "
    "зона зоны тариф ч "
    "reading readings meter meters is are the my and please i it was made last time to should be"
)
_MONTH_STEMS: Final = (
    "январ", "феврал", "март", "апрел", "мая", "май", "мае", "июн", "июл", "август", "сентябр", "октябр",
    "ноябр", "декабр",
)  # fmt: skip
_SAME: Final = (
    ("те", "же", "самые"), ("те", "же"), ("тот", "же"), ("такие", "же"), ("такое", "же"), ("то", "же", "самое"),
    ("то", "же"), ("без", "изменений"), ("без", "изменения"), ("не", "изменились"), ("не", "изменилось"),
    ("не", "изменился"), ("не", "менялись"), ("как", "в", "прошлый", "раз"), ("как", "в", "прошлом", "месяце"),
    ("как", "было"), ("прежние",), ("прежнее",), ("неизменно",), ("теже",), ("тоже", "самое"),
    ("same",), ("the", "same"), ("unchanged",), ("no", "change"), ("no", "changes"),
)  # fmt: skip

_LATIN: Final = str.maketrans("abcehkmoptxyr", "авсенкмортхуг")
# Words that take the number after them: a flat, a house.
_ADDRESS: Final = frozenset({"кв", "квартира", "квартире", "дом", "дома", "ул", "улица", "корпус"})

# Phrases of several words, the longest first.
PHRASES: Final[Mapping[tuple[str, ...], Sign]] = {
    **dict.fromkeys(_SAME, Sign.SAME),
    ("добрый", "день"): Sign.NOISE,
    ("в", "день"): Sign.NOISE,
}
_SIGNS: Final[Mapping[str, Sign]] = {
    **dict.fromkeys(_NOISE, Sign.NOISE),
    **dict.fromkeys(_MONEY, Sign.MONEY),
    **dict.fromkeys(_ADDRESS, Sign.ADDRESS),
    **dict.fromkeys(("а", "на"), Sign.RATHER),
    "+": Sign.PLUS,
}
_SIGN_STEMS: Final[Sequence[tuple[tuple[str, ...], Sign]]] = (
    (_USED_STEMS, Sign.USED),
    (_MISTAKEN_STEMS, Sign.MISTAKEN),
    (_MONTH_STEMS, Sign.MONTH),
)


def known(word: str) -> Token | None:
    """What *word* means, in its own spelling or with Latin look-alikes made Cyrillic."""
    return _meaning(word) or _meaning(cyrillic(word))


def _meaning(word: str) -> Token | None:
    if token := _LABELS.get(word) or _UNITS.get(word) or _SIGNS.get(word):
        return token
    if word.startswith(_PLACE_STEMS) or word in _ROOMS:
        return Place(_ROOMS.get(word, word))
    if word not in _NOT_LABELS:
        for stem, label in _LABEL_STEMS:
            if word.startswith(stem):
                return label
    return next((sign for stems, sign in _SIGN_STEMS if word.startswith(stems)), None)


def cyrillic(word: str) -> str:
    """*word* with Latin look-alikes made Cyrillic, unless some letter has no look-alike."""
    turned = word.translate(_LATIN)
    return word if any("a" <= c <= "z" for c in turned) else turned
