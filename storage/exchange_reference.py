"""Merging what changes seldom: services, providers, houses, premises, accounts, tariffs, meters.

Only rows that differ from what is there are touched, so that a load of all accounts holds nobody up.
"""

from typing import Final

from storage.database import Connection
from storage.exchange_protocol import Loaded

SERVICES: Final = """
with merged as (
    insert into service (code, name, unit, kind, optional, sort)
    select service_code, name, unit, kind, optional, sort from staged_services
    except select code, name, unit, kind, optional, sort from service
    order by 1
    on conflict (code) do update set
        name = excluded.name, unit = excluded.unit, kind = excluded.kind, optional = excluded.optional,
        sort = excluded.sort
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

PROVIDERS: Final = """
with merged as (
    insert into provider (
        id, inn, kpp, name, kind, bank_account, bik, corr_account, contract_no, fee_percent, valid_from, valid_to,
        bank_name
    )
    select provider_id, inn, kpp, name, kind, bank_account, bik, corr_account, contract_no, fee_percent,
        valid_from, valid_to, coalesce(bank_name, '')
    from staged_providers
    except select id, inn, kpp, name, kind, bank_account, bik, corr_account, contract_no, fee_percent,
        valid_from, valid_to, bank_name
    from provider
    order by 1
    on conflict (id) do update set
        inn = excluded.inn, kpp = excluded.kpp, name = excluded.name, kind = excluded.kind,
        bank_account = excluded.bank_account, bik = excluded.bik, corr_account = excluded.corr_account,
        contract_no = excluded.contract_no, fee_percent = excluded.fee_percent,
        valid_from = excluded.valid_from, valid_to = excluded.valid_to, bank_name = excluded.bank_name
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

# What the centre's fee was from which day on; a file without a day says what it always was.
PROVIDER_FEES: Final = """
insert into provider_fee (provider_id, valid_from, fee_percent)
select provider_id, coalesce(valid_from, '-infinity'), fee_percent from staged_providers
on conflict (provider_id, valid_from) do update set fee_percent = excluded.fee_percent
"""

HOUSES: Final = """
with merged as (
    insert into house (id, fias_guid, city, street, house, block, kind, area_total, area_common)
    select building_id, fias_guid, city, street, house, block, kind, area_total, area_common from staged_houses
    except select id, fias_guid, city, street, house, block, kind, area_total, area_common from house
    order by 1
    on conflict (id) do update set
        fias_guid = excluded.fias_guid, city = excluded.city, street = excluded.street, house = excluded.house,
        block = excluded.block, kind = excluded.kind, area_total = excluded.area_total,
        area_common = excluded.area_common
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

# Houses that no file `houses` described, by the first of their premises.
HOUSES_OF_PREMISES: Final = """
insert into house (id, fias_guid, city, street, house, block, kind)
select distinct on (building_id) building_id, fias_guid, city, street, house, block,
    case kind when 'private_house' then 'private_house' else 'apartment_house' end
from staged_premises s
where not exists (select from house h where h.id = s.building_id)
order by building_id, line
"""

PREMISES: Final = """
with merged as (
    insert into premises (
        id, house_id, flat, room, area_total, area_living, area_heated, registered_count, resident_count, closed_on
    )
    select premises_id, building_id, flat, room, area_total, area_living, area_heated, registered_count,
        resident_count, closed_on
    from staged_premises
    except select id, house_id, flat, room, area_total, area_living, area_heated, registered_count,
        resident_count, closed_on
    from premises
    order by 1
    on conflict (id) do update set
        house_id = excluded.house_id, flat = excluded.flat, room = excluded.room,
        area_total = excluded.area_total, area_living = excluded.area_living, area_heated = excluded.area_heated,
        registered_count = excluded.registered_count, resident_count = excluded.resident_count,
        closed_on = excluded.closed_on
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

# Against chats that change these accounts: the same order as everyone's.
LOCK_ACCOUNTS: Final = """
select count(*) from (
    select from account a join staged_accounts s on s.account = a.number
    where (
        a.payment_code, a.gis_account_id, a.premises_id, a.share_percent, a.payer_kind, a.payer_name_masked,
        a.payer_name_hash, a.management_inn, a.opened_on, a.closed_on, a.link_secret_hash, a.phone_hashes,
        a.status
    ) is distinct from (
        s.payment_code, s.gis_account_id, s.premises_id, s.share_percent, s.payer_kind, s.payer_name_masked,
        s.payer_name_hash, s.management_inn, s.opened_on, s.closed_on, s.link_secret_hash, s.phone_hashes,
        s.status
    )
    order by a.id for no key update of a
) locked
"""

ACCOUNTS: Final = """
with merged as (
    insert into account (
        number, payment_code, gis_account_id, premises_id, share_percent, payer_kind, payer_name_masked,
        payer_name_hash, management_inn, opened_on, closed_on, link_secret_hash, phone_hashes, status
    )
    select account, payment_code, gis_account_id, premises_id, share_percent, payer_kind, payer_name_masked,
        payer_name_hash, management_inn, opened_on, closed_on, link_secret_hash, phone_hashes, status
    from staged_accounts
    except select number, payment_code, gis_account_id, premises_id, share_percent, payer_kind,
        payer_name_masked, payer_name_hash, management_inn, opened_on, closed_on, link_secret_hash,
        phone_hashes, status
    from account
    order by 1
    on conflict (number) do update set
        payment_code = excluded.payment_code, gis_account_id = excluded.gis_account_id,
        premises_id = excluded.premises_id, share_percent = excluded.share_percent,
        payer_kind = excluded.payer_kind, payer_name_masked = excluded.payer_name_masked,
        payer_name_hash = excluded.payer_name_hash, management_inn = excluded.management_inn,
        opened_on = excluded.opened_on, closed_on = excluded.closed_on,
        link_secret_hash = excluded.link_secret_hash, phone_hashes = excluded.phone_hashes,
        status = excluded.status
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

TARIFFS: Final = """
with merged as (
    insert into tariff (service_code, provider_id, register_no, valid_from, valid_to, rate)
    select service_code, provider_id, register, valid_from, valid_to, rate from staged_tariffs
    except select service_code, provider_id, register_no, valid_from, valid_to, rate from tariff
    order by 1, 2, 3, 4
    on conflict (service_code, provider_id, register_no, valid_from) do update set
        valid_to = excluded.valid_to, rate = excluded.rate
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

METERS: Final = """
with merged as (
    insert into meter (
        id, account_id, service_code, serial, brand, model, place, registers, register_labels, integer_digits,
        fraction_digits, accepts_fraction, ratio, installed_on, commissioned_on, verified_on,
        verification_due_on, seal_no, smart, closed_on, window_open, window_close
    )
    select meter_id, a.id, service_code, serial, brand, model, place, registers, register_labels,
        integer_digits, fraction_digits, accepts_fraction, ratio, installed_on, commissioned_on, verified_on,
        verification_due_on, seal_no, smart, s.closed_on, coalesce(window_open, 15), coalesce(window_close, 25)
    from staged_meters s join account a on a.number = s.account
    except select id, account_id, service_code, serial, brand, model, place, registers, register_labels,
        integer_digits, fraction_digits, accepts_fraction, ratio, installed_on, commissioned_on, verified_on,
        verification_due_on, seal_no, smart, closed_on, window_open, window_close
    from meter
    order by 1
    on conflict (id) do update set
        service_code = excluded.service_code, serial = excluded.serial, brand = excluded.brand,
        model = excluded.model, place = excluded.place, registers = excluded.registers,
        register_labels = excluded.register_labels, integer_digits = excluded.integer_digits,
        fraction_digits = excluded.fraction_digits, accepts_fraction = excluded.accepts_fraction,
        ratio = excluded.ratio, installed_on = excluded.installed_on,
        commissioned_on = excluded.commissioned_on, verified_on = excluded.verified_on,
        verification_due_on = excluded.verification_due_on, seal_no = excluded.seal_no,
        smart = excluded.smart, closed_on = excluded.closed_on, window_open = excluded.window_open,
        window_close = excluded.window_close
    returning xmax = 0 as added
)
select count(*) filter (where added) as added, count(*) filter (where not added) as changed from merged
"""

# What each kind of file does, in this order; the last statement counts.
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "services": (SERVICES,),
    "providers": (PROVIDERS,),
    "houses": (HOUSES,),
    "premises": (HOUSES_OF_PREMISES, PREMISES),
    "accounts": (LOCK_ACCOUNTS, ACCOUNTS),
    "tariffs": (TARIFFS,),
    "meters": (METERS,),
}


async def merge_reference(db: Connection, kind: str, rows: int) -> Loaded:
    """Merge a staged file of one of these kinds, of so many rows."""
    *before, last = STEPS[kind]
    for step in before:
        await db.execute(step)
    [merged] = await db.fetch(last)
    if kind == "providers":
        await db.execute(PROVIDER_FEES)
    return Loaded(rows, merged["added"], merged["changed"])
