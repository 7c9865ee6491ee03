"""A plain bot as most would write it: aiogram's dispatcher, SQLAlchemy's ORM on asyncpg, our tables.

One transaction a message, no dedup of updates, no outbox: what is sent is lost if the process ends, and what
comes again is answered again. Tuned: a pool as wide as pays, related rows fetched by joins, no logs, and the
webhook answered once the message is handled, so that more is never begun than can be carried.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import uvloop
from aiogram import BaseMiddleware, Bot, Dispatcher, F, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message, TelegramObject
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from sqlalchemy import BigInteger, DateTime, ForeignKey, func, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

from benchmarks.ground import KEYS

POOL_SIZE = 16

router = Router()


class Base(DeclarativeBase):
    """What the models share."""


class House(Base):
    __tablename__ = "house"
    id: Mapped[str] = mapped_column(primary_key=True)
    street: Mapped[str]
    house: Mapped[str]


class Premises(Base):
    __tablename__ = "premises"
    id: Mapped[str] = mapped_column(primary_key=True)
    house_id: Mapped[str] = mapped_column(ForeignKey("house.id"))
    flat: Mapped[str]
    house: Mapped[House] = relationship()


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[str]
    differs: Mapped[bool]
    premises_id: Mapped[str] = mapped_column(ForeignKey("premises.id"))
    premises: Mapped[Premises] = relationship()


class Chat(Base):
    __tablename__ = "chat"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    channel: Mapped[str]
    address_hash: Mapped[bytes]
    resident_id: Mapped[int] = mapped_column(BigInteger)
    language: Mapped[str]
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_order: Mapped[int] = mapped_column(BigInteger)


class Link(Base):
    __tablename__ = "account_link"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    resident_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    unlinked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    account: Mapped[Account] = relationship()


class Layer(Base):
    __tablename__ = "layer"
    ledger_account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    kopecks: Mapped[int] = mapped_column(BigInteger)


class Balance(Base):
    __tablename__ = "balance"
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    advance: Mapped[int] = mapped_column(BigInteger)


class Bill(Base):
    __tablename__ = "bill"
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    counted_until: Mapped[date]
    total_due: Mapped[int] = mapped_column(BigInteger)


class Payment(Base):
    __tablename__ = "payment"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    paid_on: Mapped[date]


class Sessions(BaseMiddleware):
    """A session and a transaction for each update."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Give the handler its session."""
        async with self.sessions() as session:
            data["session"] = session
            return await handler(event, data)


@router.message(F.text.casefold() == "баланс")
async def balance(message: Message, session: AsyncSession) -> None:
    """Answer what is due."""
    async with session.begin():
        words, keyboard = await card(session, message)
    await message.answer(words, reply_markup=keyboard)


async def card(session: AsyncSession, message: Message) -> tuple[str, InlineKeyboardMarkup]:
    """What is due to whoever wrote, and what to do about it."""
    hashed = KEYS.address_hash("telegram", str(message.chat.id))
    chat = await session.scalar(select(Chat).where(Chat.channel == "telegram", Chat.address_hash == hashed))
    if chat is None:
        raise LookupError("nobody we know")
    place = joinedload(Link.account).joinedload(Account.premises).joinedload(Premises.house)
    link = await session.scalar(
        select(Link).where(Link.resident_id == chat.resident_id, Link.unlinked_at.is_(None)).options(place)
    )
    if link is None:
        raise LookupError("no account")
    account = link.account.id
    owed = select(func.sum(Layer.kopecks)).where(Layer.account_id == account, Layer.kopecks != 0)
    due = int(await session.scalar(owed) or 0)
    if kept := await session.get(Balance, account):
        due -= kept.advance
    bill = await session.scalar(
        select(Bill).where(Bill.account_id == account).order_by(Bill.period.desc()).limit(1)
    )
    paid = 0
    if bill is not None:
        since = (Payment.account_id == account, Payment.paid_on > bill.counted_until)
        paid = int(await session.scalar(select(func.sum(Payment.amount)).where(*since)) or 0)
    chat.last_seen_at = datetime.now(UTC)
    chat.last_order = message.message_id
    return wording(link, due, paid), buttons(link, bill, due)


def wording(link: Link, due: int, paid: int) -> str:
    """The card's text."""
    lines = [f"Лицевой счёт •••• {link.account.number[-4:]}"]
    lines.append(f"К оплате: {due / 100:,.2f} ₽".replace(",", " ").replace(".", ","))
    if paid:
        lines.append(f"Поступило после счёта: {paid / 100:.2f} ₽")
    return "\n".join(lines)


def buttons(link: Link, bill: Bill | None, due: int) -> InlineKeyboardMarkup:
    """The card's keyboard."""
    period = f"{bill.period:%Y-%m}" if bill else ""

    def button(label: str, data: str) -> InlineKeyboardButton:
        return InlineKeyboardButton(text=label, callback_data=f"{data}:{period}:{link.account_id}")

    rows = [
        [button(f"Оплатить {due / 100:.2f} ₽", "pay")],
        [button("Подробнее", "bill"), button("История", "hist")],
        [button("Квитанция", "pdf"), button("Графики", "charts")],
        [button("Меню", "menu")],
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows)


async def serve() -> None:
    """Serve until ended."""
    url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0)
    api = TelegramAPIServer.from_base(os.environ["API_BASE"])
    bot = Bot(os.environ["TOKEN"], session=AiohttpSession(api=api))
    dispatcher = Dispatcher()
    dispatcher.update.middleware(Sessions(async_sessionmaker(engine, expire_on_commit=False)))
    dispatcher.include_router(router)
    app = web.Application()
    handler = SimpleRequestHandler(
        dispatcher, bot, handle_in_background=False, secret_token=os.environ["SECRET"]
    )
    handler.register(app, path="/webhooks/telegram")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app.router.add_get("/healthz", ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve())
