"""Which function answers a batch of each type of question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from core.joining import InviterOf, JoinByCode, OpenInvitation, Unjoin
from core.meter_questions import MetersOf, SubmitReadings
from core.questions import (
    AccountsByPhone,
    AddToCase,
    BillOf,
    ChooseLink,
    EraseResident,
    EventOf,
    FreezeLink,
    GiveConsent,
    HistoryOf,
    LinkAccount,
    MyDataOf,
    NumberBehind,
    OpenCase,
    OpenPayment,
    PaymentOf,
    Question,
    RenameLink,
    ResumeMessages,
    SetLanguage,
    StatementOf,
    StopMessages,
    TryProof,
    Unlink,
)
from storage import bills, cases, erasing, events, joining, linking, meters, payments, proofs, residents
from storage.database import Connection
from storage.keys import Keys
from storage.payments import PaymentSettings

# Takes the connection and questions of one type, gives their answers in the same order.
Answer: TypeAlias = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[object]]]
Answers: TypeAlias = Mapping[type[Question[Any]], Answer]


def answers(*, keys: Keys, settings: PaymentSettings) -> Answers:
    """The answering function of every question that there is."""

    async def number_behind(db: Connection, asked: Sequence[NumberBehind]) -> list[str | None]:
        return await linking.number_behind(db, asked, keys=keys)

    async def accounts_by_phone(
        db: Connection, asked: Sequence[AccountsByPhone]
    ) -> Sequence[tuple[int, ...]]:
        return await linking.accounts_by_phone(db, asked, keys=keys)

    async def try_proof(db: Connection, asked: Sequence[TryProof]) -> Sequence[object]:
        return await proofs.try_proof(db, asked, keys=keys)

    async def open_payment(db: Connection, asked: Sequence[OpenPayment]) -> Sequence[object]:
        return await payments.open_payment(db, asked, settings)

    return {
        StatementOf: bills.statement_of,
        BillOf: bills.bill_of,
        HistoryOf: bills.history_of,
        MetersOf: meters.meters_of,
        SubmitReadings: meters.submit_readings,
        GiveConsent: residents.give_consent,
        TryProof: try_proof,
        LinkAccount: linking.link_account,
        AccountsByPhone: accounts_by_phone,
        NumberBehind: number_behind,
        ChooseLink: linking.choose_link,
        RenameLink: linking.rename_link,
        Unlink: linking.unlink,
        FreezeLink: linking.freeze_link,
        OpenInvitation: joining.open_invitation,
        InviterOf: joining.inviter_of,
        JoinByCode: joining.join_by_code,
        Unjoin: joining.unjoin,
        SetLanguage: residents.set_language,
        MyDataOf: residents.my_data_of,
        EraseResident: erasing.erase_resident,
        StopMessages: residents.stop_messages,
        ResumeMessages: residents.resume_messages,
        OpenPayment: open_payment,
        PaymentOf: payments.payment_of,
        OpenCase: cases.open_case,
        AddToCase: cases.add_to_case,
        EventOf: events.event_of,
    }
