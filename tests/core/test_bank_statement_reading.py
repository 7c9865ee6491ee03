"""Statements read from 1C's exchange format: what adds up is believed, all else is refused whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bank_statement_reading import is_statement, read_statement
from core.bank_statements import BankStatement
from core.money import Money, total
from core.registers import UnreadableRegisterError

BODIES: Final = Path(__file__).parents[1] / "bodies" / "registers"
OURS: Final = "40702810048000012345"
SAMPLE: Final = (BODIES / "kl_to_1c.txt").read_bytes().decode("cp1251")


def read(text: str, *, account: str = OURS, encoding: str = "cp1251") -> BankStatement:
    return read_statement(text.encode(encoding), account=account)


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(UnreadableRegisterError) as refused:
        read(text)
    return [mistake.reason for mistake in refused.value.mistakes]


@pytest.mark.parametrize("file", ["kl_to_1c.txt", "kl_to_1c_dos.txt"])
def test_a_statement_gives_its_documents_whatever_its_encoding(file: str) -> None:
    documents = read_statement((BODIES / file).read_bytes(), account=OURS).documents

    assert [(one.number, one.amount, one.incoming) for one in documents] == [
        ("487", Money(403_841), True),
        ("9001", Money(226_815), True),
        ("55", Money(185_000), True),
        ("11", Money(35_000), False),
    ]
    assert {one.day for one in documents} == {date(2026, 10, 5)}
    assert documents[2].purpose == "Оплата ЖКУ;ЛСИ 0581234567;ПРД 09.2026"


def test_a_statement_in_utf_8_is_read_whatever_it_says_of_its_encoding() -> None:
    assert read(SAMPLE, encoding="utf-8-sig") == read(SAMPLE)


def test_the_other_side_of_a_document_is_who_sent_the_money_or_got_it() -> None:
    came, *_, went = read(SAMPLE).documents

    assert (came.inn, came.account) == ("7707083893", "30232810700000000004")
    assert (went.inn, went.account) == ("7707083893", "30232810700000000004")


def test_a_value_may_have_the_sign_of_equality_in_it() -> None:
    documents = read(SAMPLE.replace("Оплата ЖКУ;ЛСИ", "Оплата a=b;ЛСИ")).documents

    assert documents[2].purpose == "Оплата a=b;ЛСИ 0581234567;ПРД 09.2026"


def test_a_purpose_that_was_broken_into_lines_is_whole_again() -> None:
    documents = read(SAMPLE.replace("Оплата ЖКУ;ЛСИ", "Оплата ЖКУ\r\nза май = 1;ЛСИ")).documents

    assert documents[2].purpose == "Оплата ЖКУ за май = 1;ЛСИ 0581234567;ПРД 09.2026"


def test_a_purpose_in_parts_is_joined_where_the_whole_is_missing() -> None:
    parts = "НазначениеПлатежа1=Оплата ЖКУ\r\nНазначениеПлатежа2=л/с 581234567"
    documents = read(
        SAMPLE.replace("НазначениеПлатежа=Оплата ЖКУ;ЛСИ 0581234567;ПРД 09.2026", parts)
    ).documents

    assert documents[2].purpose == "Оплата ЖКУ л/с 581234567"


def test_documents_of_other_accounts_of_the_file_are_counted_and_left() -> None:
    other = "СекцияДокумент=Платежное поручение\r\nНомер=1\r\nПлательщикСчет=1\r\nКонецДокумента\r\n"

    statement = read(SAMPLE.replace("КонецФайла", f"{other}КонецФайла"))

    assert (len(statement.documents), statement.others) == (4, 1)


@pytest.mark.parametrize(
    ("said", "instead", "reason"),
    [
        ("КонецФайла", "", "the last line КонецФайла is missing: the file is cut off"),
        ("КонечныйОстаток=107806.56", "КонечныйОстаток=107806.57", "the balance in the end is not what came"),
        ("Сумма=1850.00", "Сумма=1850.01", "8156.56 came by the totals, 8156.57 by the documents"),
        ("Сумма=350.00", "Сумма=349.00", "350.00 went by the totals, 349.00 by the documents"),
        ("Сумма=1850.00", "Сумма=1850.001", "Сумма: '1850.001' is no sum"),
        ("Сумма=1850.00", "Сумма=-1850.00", "Сумма: '-1850.00' is no sum"),
        ("Сумма=1850.00", "Сумма=0.00", "Сумма: it is nothing"),
        ("ДатаПоступило=05.10.2026", "ДатаПоступило=05.13.2026", "Дата: '05.13.2026' is no day"),
        ("КонецРасчСчет\r\n", "", "СекцияДокумент is out of place"),
        ("КонецДокумента\r\nКонецФайла", "КонецФайла", "the section has no end"),
        ("КонецДокумента\r\nКонецФайла", "КонецРасчСчет\r\nКонецФайла", "КонецРасчСчет is out of place"),
        ("Отправитель=Банк-клиент", "Отправитель=Kvitok", "these are payment orders that Kvitok wrote"),
        ("Номер=55", "Номер 55", "is no line of the format"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(said: str, instead: str, reason: str) -> None:
    assert said in SAMPLE

    assert any(each.startswith(reason) for each in mistakes_of(SAMPLE.replace(said, instead)))


def test_a_statement_of_another_account_is_refused() -> None:
    with pytest.raises(UnreadableRegisterError) as refused:
        read(SAMPLE, account="40702810700000067890")

    assert refused.value.mistakes[0].reason == "says nothing of our account 40702810700000067890"


def test_documents_that_are_the_same_in_all_are_as_many_payments() -> None:
    twice = SAMPLE.replace("ВсегоПоступило=8156.56", "ВсегоПоступило=10006.56")
    twice = twice.replace("КонечныйОстаток=107806.56", "КонечныйОстаток=109656.56")
    begin, end = twice.index("СекцияДокумент=Платежное поручение\r\nНомер=55"), twice.rindex("СекцияДокумент")
    twice = twice[:end] + twice[begin:end] + twice[end:]

    keys = [one.key(OURS) for one in read(twice).documents]

    assert len(set(keys)) == 5


@given(st.binary(max_size=200), st.integers(0, len(SAMPLE.encode("cp1251"))))
def test_bytes_that_are_lost_or_added_are_refused_or_add_up(added: bytes, place: int) -> None:
    whole = SAMPLE.encode("cp1251")
    try:
        statement = read_statement(whole[:place] + added + whole[place + len(added) :], account=OURS)
    except UnreadableRegisterError:
        return

    assert total(one.amount for one in statement.documents if one.incoming) == Money(815_656)


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b"1CClientBankExchange\r\n", True),
        (b"\xef\xbb\xbf1CClientBankExchange", True),
        (b"a;b\n1CClient", False),
    ],
)
def test_a_statement_is_told_by_its_first_line(content: bytes, *, is_one: bool) -> None:
    assert is_statement(content) is is_one
