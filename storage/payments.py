"""Links to pay by and payments: what dialogues and the pay page ask."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import msgspec

from core.acquiring import Details, PayLink
from core.allocation import PROPORTIONAL, Rule
from core.fiscal import Item, Supplier, Wording, receipt_items
from core.messages import Month
from core.money import Money
from core.questions import OpenPayment, PaymentLink, PaymentOf, Settled
from storage.attempts import attempt_from
from storage.database import Connection
from storage.ledger import layers_of

TOKEN_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """Where the centre's links lead, and the key that their tokens are made with."""

    public_url: str
    token_key: bytes
    lifetime: timedelta = timedelta(hours=24)

    def __repr__(self) -> str:
        return f"PaymentSettings({self.public_url!r})"

    def token(self, source_ref: str) -> str:
        """The token of the link that *source_ref* asked for: 128 bits, the same again for a repeat.

        It is derived, not drawn, because only its hash is kept and a repeated turn must say it again.
        """
        mac = hmac.digest(self.token_key, b"pay link\n" + source_ref.encode(), "sha256")
        return base64.urlsafe_b64encode(mac[:TOKEN_BYTES]).rstrip(b"=").decode()

    def url(self, source_ref: str) -> str:
        """The address of that link."""
        return f"{self.public_url}/p/{self.token(source_ref)}"


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


# --- What dialogues ask ----------------------------------------------------------------------------

# Links, each once by its source; what a repeat finds is given back unchanged.
OPEN_LINKS: Final = """
insert into pay_link (token_hash, source_ref, account_id, chat_id, amount, whole, created_at, expires_at)
select * from unnest(
    $1::bytea[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::timestamptz[],
    $8::timestamptz[]
)
on conflict (source_ref) do update set source_ref = excluded.source_ref
returning source_ref, expires_at
"""


async def open_payment(
    db: Connection, asked: Sequence[OpenPayment], settings: PaymentSettings
) -> list[PaymentLink]:
    """A link for each that is *asked* for; the same one for the same source."""
    wanted = sorted({question.source_ref: question for question in asked}.items())
    columns = zip(
        *(
            (
                _token_hash(settings.token(ref)),
                ref,
                question.account,
                question.chat,
                question.amount.kopecks,
                question.whole,
                question.at,
                question.at + settings.lifetime,
            )
            for ref, question in wanted
        ),
        strict=True,
    )
    rows = await db.fetch(OPEN_LINKS, *map(list, columns))
    expiry = {row["source_ref"]: row["expires_at"] for row in rows}
    return [PaymentLink(settings.url(one.source_ref), expiry[one.source_ref]) for one in asked]


# Payments in the books, each with what of it is not spread.
PAYMENTS: Final = """
select p.id, p.amount, p.paid_at, coalesce(a.kopecks, 0) as advance
from payment p left join advance a on a.origin_id = p.posting_id
where p.id = any($1::bigint[])
"""


async def payment_of(db: Connection, asked: Sequence[PaymentOf]) -> list[Settled]:
    """Each payment that is *asked* for, as it was posted."""
    rows = await db.fetch(PAYMENTS, sorted({question.payment for question in asked}))
    settled = {
        row["id"]: Settled(
            amount=Money(row["amount"]),
            paid_at=row["paid_at"],
            number=f"{row['id']:06}",
            advance=Money(row["advance"]),
        )
        for row in rows
    }
    return [settled[question.payment] for question in asked]


# --- What the pay page asks ------------------------------------------------------------------------

# The link of this token with all goes at paying it, the oldest first; whether its chat still has the account.
LINK: Final = """
select l.id as link_id, l.account_id, acc.number, coalesce(c.language, 'ru') as language, l.source_ref,
       l.amount as link_amount, l.whole, l.expires_at, c.resident_id, rc.contact as kept_contact,
       l.chat_id is null or exists (
           select from account_link al
           where al.resident_id = c.resident_id and al.account_id = l.account_id
             and al.frozen_at is null and al.unlinked_at is null
       ) as bound, a.*
from pay_link l
join account acc on acc.id = l.account_id
left join chat c on c.id = l.chat_id
left join receipt_contact rc on rc.resident_id = c.resident_id
left join payment_attempt a on a.pay_link_id = l.id
where l.token_hash = $1
order by a.id
"""


async def link_by_token(db: Connection, token: str) -> PayLink | None:
    """The link whose token this is; None if it is nobody's."""
    rows = await db.fetch(LINK, _token_hash(token))
    return _link(rows) if rows else None


def _link(rows: Sequence[asyncpg.Record]) -> PayLink:
    head = rows[0]
    return PayLink(
        id=head["link_id"],
        account=head["account_id"],
        number=head["number"],
        language=head["language"],
        source_ref=head["source_ref"],
        amount=Money(head["link_amount"]),
        whole=head["whole"],
        expires_at=head["expires_at"],
        bound=head["bound"],
        resident=head["resident_id"],
        contact=head["kept_contact"],
        attempts=tuple(attempt_from(row) for row in rows if row["id"] is not None),
    )


# --- What a payment is for -------------------------------------------------------------------------

# An account by its numbers, and the month of its last bill.
DETAILS: Final = """
select a.number, coalesce(a.gis_account_id, '') as unified,
       (select max(b.period) from bill b where b.account_id = a.id) as period
from account a where a.id = $1
"""

SERVICE_NAMES: Final = "select code, name from service where code = any($1::text[])"

SUPPLIERS: Final = "select id, name, inn from provider where id = any($1::text[])"


class ReceiptWords(msgspec.Struct, frozen=True):
    """How a receipt is made: what it calls what is no service, and the *rule* that spreads the money."""

    penalty: str
    advance: str
    rule: Rule = PROPORTIONAL


async def details_of(db: Connection, account: int, amount: Money, receipt: ReceiptWords | None) -> Details:
    """What *amount* would be for if it were paid now, with a receipt's items where one is made."""
    head = await db.fetchrow(DETAILS, account)
    if head is None:
        return Details()
    items: tuple[Item, ...] = ()
    if receipt is not None:
        lines = (await layers_of(db, [account]))[account]
        services = await db.fetch(SERVICE_NAMES, [line.service for line in lines])
        suppliers = await db.fetch(SUPPLIERS, [line.provider for line in lines])
        wording = Wording(
            services={row["code"]: row["name"] for row in services},
            suppliers={row["id"]: Supplier(row["name"], row["inn"]) for row in suppliers},
            penalty=receipt.penalty,
            advance=receipt.advance,
        )
        items = receipt_items(amount=amount, lines=lines, wording=wording, rule=receipt.rule)
    period = Month.of(head["period"]) if head["period"] else None
    return Details(head["number"], head["unified"], period, items)


# Where a resident's receipts go from now on; an erased resident has none.
KEEP_CONTACT: Final = """
insert into receipt_contact (resident_id, contact, consented_at)
select id, $2, $3 from resident where id = $1 and erased_at is null for key share
on conflict (resident_id) do update set contact = excluded.contact, consented_at = excluded.consented_at
"""


async def keep_contact(db: Connection, resident: int, contact: bytes, *, now: datetime) -> None:
    """Remember a sealed *contact* for the receipts of *resident*, who has just agreed to that."""
    await db.execute(KEEP_CONTACT, resident, contact, now)
