"""The accounts that the demo's page offers to try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.money import Money
from storage.database import Connection

# Accounts by number, each with its last bill's total and its open meters' last values.
ACCOUNTS: Final = """
select account.number,
  (select total_due from bill where account_id = account.id order by period desc limit 1) as total_due,
  coalesce(
    (select jsonb_agg(
       jsonb_build_object(
         'place', meter.place,
         'service', service.name,
         'serial', meter.serial,
         'last', (
           select trim_scale(value)::text from reading
           where meter_id = meter.id and register_no = 1 and status in ('accepted', 'locked')
           order by counted_period desc, id desc limit 1
         )
       ) order by service.sort, meter.place
     )
     from meter join service on service.code = meter.service_code
     where meter.account_id = account.id and meter.closed_on is null),
    '[]'
  ) as meters
from unnest($1::text[]) with ordinality as asked (number, place)
join account using (number)
order by asked.place
"""


async def accounts_to_try(db: Connection, codes: Mapping[str, str]) -> list[dict[str, Any]]:
    """The accounts in *codes* (number → code), each with what proves it, as JSON values."""
    return [
        {
            "number": row["number"],
            "code": codes[row["number"]],
            "last_total": str(Money(row["total_due"] or 0).roubles),
            "meters": row["meters"],
        }
        for row in await db.fetch(ACCOUNTS, list(codes))
    ]
