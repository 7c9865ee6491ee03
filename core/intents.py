"""What a resident who types freely is after: the words of each wish, with small typos forgiven."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA


class Intent(Enum):
    """A wish that a resident can type in words."""

    BALANCE = "balance"
    READINGS = "readings"
    PAY = "pay"
    BILL = "bill"
    BILL_FILE = "bill file"
    BANK_QR = "bank qr"
    CHARTS = "charts"
    HISTORY = "history"
    STAFF = "staff"
    HELP = "help"
    CONTACTS = "contacts"
    MENU = "menu"
    CANCEL = "cancel"
    LINK = "link"
    ACCOUNTS = "accounts"
    UNLINK = "unlink"
    LANGUAGE = "language"
    OTHER_MESSENGER = "other messenger"
    PRIVACY = "privacy"
    MY_DATA = "my data"
    STOP = "stop"
    ERASE = "erase"
    THANKS = "thanks"


# The words and turns of speech of each wish, without ё and punctuation. Commands count as words.
WORDS: Final[Mapping[Intent, tuple[str, ...]]] = {
    Intent.BALANCE: (
        "баланс",
        "долг",
        "мой долг",
        "какой долг",
        "какой у меня долг",
        "у меня долг",
        "есть ли долг",
        "сколько должен",
        "сколько я должен",
        "сколько я должна",
        "должен",
        "должна",
        "задолженность",
        "задолжность",
        "к оплате",
        "сколько платить",
        "квартплата",
        "коммуналка",
        "balance",
        "debt",
        "how much do i owe",
    ),
    Intent.READINGS: (
        "показания",
        "показание",
        "передать показания",
        "подать показания",
        "счетчик",
        "счетчики",
        "передать",
        "вода",
        "свет",
        "газ",
        "хвс",
        "гвс",
        "readings",
        "meters",
    ),
    Intent.PAY: (
        "оплатить",
        "оплата",
        "заплатить",
        "хочу оплатить",
        "ссылка на оплату",
        "ссылка",
        "сбп",
        "картой",
        "pay",
    ),
    Intent.BILL: (
        "счет",
        "счет за месяц",
        "за что платить",
        "bill",
    ),
    Intent.BILL_FILE: (
        "квитанция",
        "квитанцию",
        "платежка",
        "жировка",
        "епд",
        "платежный документ",
        "пдф",
        "pdf",
    ),
    Intent.BANK_QR: ("qr", "qr код", "куар", "куар код", "кюар код", "кьюар код", "qr code"),
    Intent.CHARTS: ("график", "графики", "диаграмма", "статистика", "charts"),
    Intent.HISTORY: (
        "история",
        "начисления",
        "платежи",
        "мои платежи",
        "чек",
        "квитанция об оплате",
        "подтверждение оплаты",
        "прошлый месяц",
        "куда ушли деньги",
        "history",
        "payments",
    ),
    Intent.STAFF: (
        "оператор",
        "человек",
        "сотрудник",
        "позовите человека",
        "позвать сотрудника",
        "позвоните",
        "жалоба",
        "ошибка",
        "неправильно",
        "operator",
        "staff",
        "person",
    ),
    Intent.HELP: (
        "помощь",
        "помоги",
        "справка",
        "что ты умеешь",
        "help",
    ),
    Intent.CONTACTS: ("контакты", "телефон", "адрес", "часы работы", "contacts"),
    Intent.MENU: (
        "меню",
        "главное меню",
        "начать",
        "старт",
        "привет",
        "здравствуйте",
        "добрый день",
        "menu",
        "start",
    ),
    Intent.CANCEL: ("отмена", "отменить", "не надо", "cancel"),
    Intent.LINK: (
        "добавить счет",
        "лицевой счет",
        "привязать",
        "привязать счет",
        "подключить",
        "подключить счет",
        "add account",
        "link",
        "link account",
        "link an account",
    ),
    Intent.ACCOUNTS: (
        "счета",
        "мои счета",
        "сменить счет",
        "другой счет",
        "accounts",
    ),
    Intent.UNLINK: ("отвязать", "отвязать счет", "отвяжите", "unlink"),
    Intent.LANGUAGE: ("язык", "english", "русский", "по английски", "language", "lang"),
    Intent.OTHER_MESSENGER: (
        "другой мессенджер",
        "в другом мессенджере",
        "продолжить в другом мессенджере",
        "another messenger",
    ),
    Intent.PRIVACY: ("персональные данные", "конфиденциальность", "privacy"),
    # Before «мои данные», which it contains.
    Intent.ERASE: (
        "удалить данные",
        "удалить мои данные",
        "удалите данные",
        "удалите мои данные",
        "удалите меня",
        "delete my data",
        "erase my data",
    ),
    Intent.MY_DATA: ("какие данные обо мне", "мои данные", "my data"),
    Intent.THANKS: ("спасибо", "спасибо большое", "благодарю", "thanks", "thank you"),
    Intent.STOP: ("стоп", "отписаться", "хватит", "stop"),
}

# Typed more than this, a message is a letter and not a wish.
WISH_CHARS_MAX: Final = 60
# How alike a whole message, or one of its words, must be to a wish's words (0 to 100).
LIKENESS_WHOLE_MIN: Final = 82
LIKENESS_WORD_MIN: Final = 85
# A word shorter than this says too little to be found inside a sentence, or to be forgiven a typo.
FUZZY_CHARS_MIN: Final = 4

_NOT_WORD: Final = re.compile(r"[\W_]+")
_BY_WORDS: Final = {words: intent for intent, all_words in WORDS.items() for words in all_words}
_ALL: Final = list(_BY_WORDS)
# Thanks inside a sentence are manners: the wish is beside them.
_TELLING: Final = [words for words in _ALL if _BY_WORDS[words] is not Intent.THANKS]
_SAYINGS: Final = [words for words in _TELLING if " " in words]
_SINGLE: Final = [words for words in _TELLING if " " not in words and len(words) > FUZZY_CHARS_MIN]
# One letter of four is more than the likeness forgives. A slip may show something, but switch nothing off.
_SHORT: Final = [
    words for words in _ALL if len(words) == FUZZY_CHARS_MIN and _BY_WORDS[words] is not Intent.STOP
]


def folded(typed: str) -> str:
    """*typed* in lower case, ё as е, without punctuation."""
    return _NOT_WORD.sub(" ", typed.casefold().replace("ё", "е")).strip()


@lru_cache(maxsize=4096)
def intent_of(typed: str) -> Intent | None:
    """The wish that *typed* expresses, if it does: as a whole, or by its most telling word."""
    if len(typed) > WISH_CHARS_MAX:
        return None
    said = folded(typed)
    if (exact := _BY_WORDS.get(said)) is not None:
        return exact
    if len(said) < FUZZY_CHARS_MIN:
        return None
    without_sum = " ".join(word for word in said.split() if not word.isdecimal())
    if _BY_WORDS.get(without_sum) is Intent.PAY:
        return Intent.PAY
    if (saying := next((words for words in _SAYINGS if f" {words} " in f" {said} "), None)) is not None:
        return _BY_WORDS[saying]
    whole = process.extractOne(said, _ALL, scorer=fuzz.ratio, score_cutoff=LIKENESS_WHOLE_MIN)
    if whole is not None:
        return _BY_WORDS[whole[0]]
    if len(said) == FUZZY_CHARS_MIN:
        slip = process.extractOne(said, _SHORT, scorer=OSA.distance, score_cutoff=1)
        return _BY_WORDS[slip[0]] if slip is not None else None
    found = [
        match
        for word in said.split()
        if len(word) > FUZZY_CHARS_MIN
        and (match := process.extractOne(word, _SINGLE, scorer=fuzz.ratio, score_cutoff=LIKENESS_WORD_MIN))
    ]
    return _BY_WORDS[max(found, key=_likeness)[0]] if found else None


def _likeness(match: tuple[str, float, int]) -> float:
    return match[1]
