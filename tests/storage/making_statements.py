"""Statements of the centre's bank as tests need them: documents in, a file that adds up out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from core.bank_statements import Agent, Bank
from core.money import Money

OURS: Final = "40702810048000012345"
SBER: Final = Agent(way="bank:sber", inn="7707083893", purpose=("реестр",))
CARDS: Final = Agent(
    way="acquirer:yookassa", inn="9800999998", fee_percent=Decimal(4), charges=("комиссия за эквайринг",)
)
BANK: Final = Bank(OURS, "9800123456", (SBER, CARDS))


def a_document(
    kopecks: int,
    *,
    number: str = "1",
    day: date = date(2026, 10, 5),
    inn: str = "",
    purpose: str = "Оплата ЖКУ",
    incoming: bool = True,
) -> str:
    """A document's section."""
    other, ours = ("Плательщик", "Получатель") if incoming else ("Получатель", "Плательщик")
    return "\r\n".join(
        [
            "СекцияДокумент=Платежное поручение",
            f"Номер={number}",
            f"Дата={day:%d.%m.%Y}",
            f"Сумма={Money(kopecks).roubles}",
            f"{other}ИНН={inn}",
            f"{other}Счет=30232810300000000020",
            f"{ours}Счет={OURS}",
            f"НазначениеПлатежа={purpose}",
            "КонецДокумента",
        ]
    )


def write_statement(path: Path, *documents: str, came: int = 0, went: int = 0) -> Path:
    """A statement of these *documents*, whose sums are *came* and *went*, in *path*."""
    lines = [
        "1CClientBankExchange",
        "Кодировка=Windows",
        "Отправитель=Банк-клиент",
        "СекцияРасчСчет",
        f"РасчСчет={OURS}",
        "НачальныйОстаток=0.00",
        f"ВсегоПоступило={Money(came).roubles}",
        f"ВсегоСписано={Money(went).roubles}",
        f"КонечныйОстаток={Money(came - went).roubles}",
        "КонецРасчСчет",
        *documents,
        "КонецФайла",
    ]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode("cp1251"))
    return path
