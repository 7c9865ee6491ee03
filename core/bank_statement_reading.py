"""From the bytes of a bank's statement to its documents: 1C's exchange format 1CClientBankExchange, 1.01 to 1.03.

https://v8.1c.ru/tekhnologii/obmen-dannymi-i-integratsiya/standarty-i-formaty/. What does not add up is refused
whole. Where it bites: values have `=` in them; some banks break a purpose into lines; the encoding that a file
names is not always its own; a file that was cut lacks its last line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from core.bank_statements import BankDocument, BankStatement
from core.money import NOTHING, Money, total
from core.register_reading import text_of
from core.registers import Mistake, UnreadableRegisterError

FIRST_LINE: Final = "1CClientBankExchange"
LAST_LINE: Final = "КонецФайла"
OUR_PROGRAM: Final = "Kvitok"
MISTAKES_MAX: Final = 100

_PURPOSE: Final = "НазначениеПлатежа"
_BEGINS: Final = re.compile(r"Секция(РасчСчет|Документ)")
_ENDS: Final = {"КонецРасчСчет": "РасчСчет", "КонецДокумента": "Документ"}
_SUM: Final = re.compile(r"\d{1,12}(\.\d{1,2})?")
# What a line of a document may begin with: any other line goes on with the purpose above it.
_KEY: Final = re.compile(
    r"(?:Номер|Дата|Сумма|Квитанция\w*|Плательщик\w*|Получатель\w*|Дата(?:Списано|Поступило)|Вид(?:Платежа|Оплаты)"
    r"|Код\w*|НазначениеПлатежа[1-6]?|Очередность|СтатусСоставителя|Показатель\w*|ОКАТО|СрокПлатежа|СрокАкцепта"
    r"|УсловиеОплаты\d?|ПлатежПоПредст|ДополнСведения|ВидАккредитива|НомерСчетаПоставщика|ДатаОтсылкиДок)="
)


class _Section(msgspec.Struct):
    """A part of the file between its first and its last line: what it is, where, and what it says."""

    what: str
    line: int
    says: dict[str, str]


class _UnlikelyError(ValueError):
    """A value cannot be what its key says."""


def is_statement(content: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(FIRST_LINE.encode())


def read_statement(content: bytes, *, account: str) -> BankStatement:
    """The documents of *account* in *content*, whose totals and balances were checked.

    Raises UnreadableRegisterError, which names every mistake: nothing of such a file is believed.
    """
    lines = [line.strip("\r\x1a ") for line in text_of(content).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines or lines[-1] != LAST_LINE:
        raise UnreadableRegisterError(
            (Mistake(0, f"the last line {LAST_LINE} is missing: the file is cut off"),)
        )
    mistakes: list[Mistake] = []
    head, sections = _sections(lines, mistakes)
    if head.get("Отправитель") == OUR_PROGRAM:
        mistakes.append(Mistake(0, "these are payment orders that Kvitok wrote, no statement"))
    documents, others = _documents(sections, account, mistakes)
    if not mistakes:
        mistakes += _control_mistakes(sections, account, documents)
    if mistakes:
        raise UnreadableRegisterError(tuple(mistakes[:MISTAKES_MAX]))
    return BankStatement(tuple(_told_apart(documents)), others)


# --- From lines to sections ------------------------------------------------------------------------


def _sections(lines: Sequence[str], mistakes: list[Mistake]) -> tuple[dict[str, str], list[_Section]]:
    head: dict[str, str] = {}
    sections: list[_Section] = []
    section: _Section | None = None
    key = ""
    for number, line in enumerate(lines[1:-1], 2):
        name, equals, value = line.partition("=")
        begins = _BEGINS.fullmatch(name)
        if begins or name in _ENDS:
            if bool(begins) == bool(section) or (section and _ENDS.get(name) != section.what):
                mistakes.append(Mistake(number, f"{name} is out of place"))
            section = _Section(begins[1], number, {}) if begins else None
            sections += [section] if section else []
            key = ""
        elif section is None:
            head[name] = value
        elif key.startswith(_PURPOSE) and not _KEY.match(line):
            section.says[key] += f" {line}"
        elif equals:
            section.says[name], key = value, name
        elif line:
            mistakes.append(Mistake(number, "is no line of the format"))
    if section is not None:
        mistakes.append(Mistake(section.line, "the section has no end"))
    return head, sections


# --- From sections to documents --------------------------------------------------------------------


def _documents(
    sections: Sequence[_Section], account: str, mistakes: list[Mistake]
) -> tuple[list[BankDocument], int]:
    documents, others = [], 0
    for section in sections:
        if section.what != "Документ":
            continue
        payer, payee = (_accounts(section.says, side) for side in ("Плательщик", "Получатель"))
        if account not in payer | payee:
            others += 1
            continue
        try:
            documents.append(_document(section, incoming=account in payee))
        except _UnlikelyError as error:
            mistakes.append(Mistake(section.line, str(error)))
    return documents, others


def _accounts(says: Mapping[str, str], side: str) -> set[str]:
    """The accounts of a side: one of the two may be its bank's."""
    return {says.get(f"{side}Счет", ""), says.get(f"{side}РасчСчет", "")} - {""}


def _document(section: _Section, *, incoming: bool) -> BankDocument:
    says = section.says
    other = "Плательщик" if incoming else "Получатель"
    moved = says.get("ДатаПоступило" if incoming else "ДатаСписано") or says.get("Дата", "")
    amount = _sum(says.get("Сумма", ""), "Сумма")
    if not amount:
        raise _UnlikelyError("Сумма: it is nothing")
    parts = [says.get(_PURPOSE, ""), *(says.get(f"{_PURPOSE}{place}", "") for place in range(1, 7))]
    # The whole is often there beside its parts.
    purpose = parts[0] or " ".join(filter(None, parts[1:]))
    return BankDocument(
        line=section.line,
        number=says.get("Номер", ""),
        day=_day(moved),
        amount=amount,
        incoming=incoming,
        inn=says.get(f"{other}ИНН", ""),
        account=says.get(f"{other}РасчСчет") or says.get(f"{other}Счет", ""),
        purpose=purpose,
    )


def _sum(value: str, key: str) -> Money:
    if _SUM.fullmatch(value) is None:
        raise _UnlikelyError(f"{key}: {value[:30]!r} is no sum")
    return Money.exact(Decimal(value))


def _day(value: str) -> date:
    try:
        return datetime.strptime(value, "%d.%m.%Y").date()  # noqa: DTZ007  # a day by itself
    except ValueError:
        raise _UnlikelyError(f"Дата: {value[:30]!r} is no day") from None


def _told_apart(documents: Sequence[BankDocument]) -> Iterator[BankDocument]:
    """Documents that are the same in all that tells them apart are counted: they are as many payments."""
    times: Counter[str] = Counter()
    for document in documents:
        key = document.key("")
        times[key] += 1
        yield msgspec.structs.replace(document, again=times[key])


# --- What must add up ------------------------------------------------------------------------------


def _control_mistakes(
    sections: Sequence[_Section], account: str, documents: Sequence[BankDocument]
) -> Iterator[Mistake]:
    ours = [part for part in sections if part.what == "РасчСчет" and part.says.get("РасчСчет") == account]
    if not ours:
        yield Mistake(0, f"says nothing of our account {account}")
        return
    received, spent = NOTHING, NOTHING
    for section in ours:
        try:
            opening, came, went, closing = (
                _sum(section.says.get(key, "0"), key)
                for key in ("НачальныйОстаток", "ВсегоПоступило", "ВсегоСписано", "КонечныйОстаток")
            )
        except _UnlikelyError as error:
            yield Mistake(section.line, str(error))
            return
        if opening + came - went != closing:
            yield Mistake(
                section.line, "the balance in the end is not what came and went after the beginning"
            )
        received, spent = received + came, spent + went
    for said, incoming, verb in ((received, True, "came"), (spent, False, "went")):
        found = total(document.amount for document in documents if document.incoming is incoming)
        if said != found:
            yield Mistake(0, f"{said.roubles} {verb} by the totals, {found.roubles} by the documents")
