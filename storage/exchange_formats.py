"""The files that we exchange with billing: their kinds and their columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.exchange_cells import (
    DAY,
    DAY_OR_NONE,
    FACTOR_OR_NONE,
    FACTOR_OR_ONE,
    FACTOR_OR_ZERO,
    FREE_TEXT,
    HASH_OR_NONE,
    HASHES,
    ID,
    LABELS,
    MOMENT,
    MOMENT_OR_NONE,
    MONEY,
    MONEY_OR_ZERO,
    NAMED_LINES,
    NUMBER,
    NUMBER_OR_NONE,
    NUMBER_OR_ZERO,
    PERIOD,
    PERIOD_OR_NONE,
    READING,
    READING_OR_NONE,
    TEXT,
    TEXT_OR_NONE,
    TRUTH,
    WHOLE,
    WHOLE_OR_NONE,
    WHOLE_OR_ZERO,
    Cell,
    choice,
)
from storage.exchange_row_checks import (
    PAYABLE,
    TOTAL_DUE,
    RowCheck,
    has_registers,
    is_a_reading,
    is_answered,
    moves_money,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. *optional*: the whole column may be missing, and is then read as empty."""

    name: str
    cell: Cell
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. *key*: columns that no two rows share; *monthly*: loaded in the order of months.

    *control_column* is what the control file sums up, if there is anything to sum up.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    monthly: bool = False
    control_column: str | None = None
    check: RowCheck | None = None

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, as we write them."""
        return tuple(column.name for column in self.columns)


def _columns(*named: tuple[str, Cell], optional: Sequence[tuple[str, Cell]] = ()) -> tuple[Column, ...]:
    return tuple(
        [Column(name, cell) for name, cell in named]
        + [Column(name, cell, optional=True) for name, cell in optional]
    )


_ALL: Final = (
    Kind(
        "services",
        _columns(
            ("service_code", TEXT),
            ("name", TEXT),
            ("unit", TEXT),
            ("kind", choice("housing", "utility", "additional")),
            ("optional", TRUTH),
            ("sort", WHOLE),
        ),
        key=("service_code",),
    ),
    Kind(
        "providers",
        _columns(
            ("provider_id", TEXT),
            ("inn", TEXT),
            ("kpp", FREE_TEXT),
            ("name", TEXT),
            (
                "kind",
                choice(
                    "management_company",
                    "owners_association",
                    "resource_supplier",
                    "waste_operator",
                    "overhaul_fund",
                    "other",
                ),
            ),
            ("bank_account", TEXT),
            ("bik", TEXT),
            ("corr_account", FREE_TEXT),
            ("contract_no", FREE_TEXT),
            ("fee_percent", FACTOR_OR_ZERO),
            ("valid_from", DAY_OR_NONE),
            ("valid_to", DAY_OR_NONE),
            optional=(("bank_name", FREE_TEXT),),
        ),
        key=("provider_id",),
    ),
    Kind(
        "houses",
        _columns(
            ("building_id", TEXT),
            ("fias_guid", TEXT_OR_NONE),
            ("city", TEXT),
            ("street", TEXT),
            ("house", TEXT),
            ("block", FREE_TEXT),
            ("kind", choice("apartment_house", "private_house")),
            ("area_total", NUMBER_OR_NONE),
            ("area_common", NUMBER_OR_NONE),
        ),
        key=("building_id",),
    ),
    Kind(
        "premises",
        _columns(
            ("premises_id", TEXT),
            ("building_id", TEXT),
            ("fias_guid", TEXT_OR_NONE),
            ("city", FREE_TEXT),
            ("street", FREE_TEXT),
            ("house", FREE_TEXT),
            ("block", FREE_TEXT),
            ("flat", FREE_TEXT),
            ("room", FREE_TEXT),
            ("kind", choice("flat", "room", "private_house", empty="flat")),
            ("area_total", NUMBER_OR_NONE),
            ("area_living", NUMBER_OR_NONE),
            ("area_heated", NUMBER_OR_NONE),
            ("registered_count", WHOLE_OR_NONE),
            ("resident_count", WHOLE_OR_NONE),
            ("closed_on", DAY_OR_NONE),
        ),
        key=("premises_id",),
    ),
    Kind(
        "accounts",
        _columns(
            ("account", TEXT),
            ("payment_code", TEXT_OR_NONE),
            ("gis_account_id", TEXT_OR_NONE),
            ("premises_id", TEXT),
            ("share_percent", FACTOR_OR_NONE),
            ("payer_kind", choice("person", "org", empty="person")),
            ("payer_name_masked", FREE_TEXT),
            ("payer_name_hash", HASH_OR_NONE),
            ("management_inn", TEXT_OR_NONE),
            ("opened_on", DAY_OR_NONE),
            ("closed_on", DAY_OR_NONE),
            ("link_secret_hash", HASH_OR_NONE),
            ("phone_hashes", HASHES),
            ("status", choice("open", "closed", empty="open")),
        ),
        key=("account",),
    ),
    Kind(
        "tariffs",
        _columns(
            ("service_code", TEXT),
            ("provider_id", TEXT),
            ("register", WHOLE_OR_ZERO),
            ("valid_from", DAY),
            ("valid_to", DAY_OR_NONE),
            ("rate", NUMBER),
        ),
        key=("service_code", "provider_id", "register", "valid_from"),
    ),
    Kind(
        "meters",
        _columns(
            ("meter_id", TEXT),
            ("account", TEXT),
            ("service_code", TEXT),
            ("serial", TEXT),
            ("brand", FREE_TEXT),
            ("model", FREE_TEXT),
            ("place", FREE_TEXT),
            ("registers", WHOLE),
            ("register_labels", LABELS),
            ("integer_digits", WHOLE),
            ("fraction_digits", WHOLE_OR_ZERO),
            ("accepts_fraction", TRUTH),
            ("ratio", FACTOR_OR_ONE),
            ("installed_on", DAY_OR_NONE),
            ("commissioned_on", DAY_OR_NONE),
            ("verified_on", DAY_OR_NONE),
            ("verification_due_on", DAY_OR_NONE),
            ("seal_no", FREE_TEXT),
            ("smart", TRUTH),
            ("closed_on", DAY_OR_NONE),
            ("last_value_t1", READING_OR_NONE),
            ("last_value_t2", READING_OR_NONE),
            ("last_value_t3", READING_OR_NONE),
            ("last_value_on", DAY_OR_NONE),
            ("window_open", WHOLE_OR_NONE),
            ("window_close", WHOLE_OR_NONE),
        ),
        key=("meter_id",),
        check=has_registers,
    ),
    Kind(
        "readings",
        _columns(
            ("meter_id", TEXT),
            ("account", TEXT),
            ("service_code", FREE_TEXT),
            ("serial", FREE_TEXT),
            ("register", WHOLE),
            ("value", READING),
            ("previous_value", READING_OR_NONE),
            ("taken_on", DAY),
            ("received_at", MOMENT_OR_NONE),
            ("source", TEXT),
            ("reading_id", TEXT),
            ("kind", choice("current", "control", "verification", empty="current")),
            ("counted_period", PERIOD),
            ("flags", LABELS),
        ),
        key=("reading_id",),
        monthly=True,
        check=is_a_reading,
    ),
    Kind(
        "payments",
        _columns(
            ("payment_id", TEXT),
            ("account", TEXT),
            ("paid_at", MOMENT),
            ("booked_on", DAY),
            ("amount", MONEY),
            ("channel", choice("bank", "post", "cash", "terminal", "payroll", "acquirer")),
            ("source_name", TEXT),
            ("external_id", TEXT),
            ("batch", FREE_TEXT),
            ("period_hint", PERIOD_OR_NONE),
            ("purpose", FREE_TEXT),
            ("payer_named_lines", NAMED_LINES),
            optional=(("reverses_payment_id", TEXT_OR_NONE),),
        ),
        key=("source_name", "external_id"),
        monthly=True,
        control_column="amount",
        check=moves_money,
    ),
    Kind(
        "charges",
        _columns(
            ("account", TEXT),
            ("period", PERIOD),
            ("service_code", TEXT),
            ("provider_id", TEXT),
            ("tariff", NUMBER),
            ("volume_individual", NUMBER_OR_ZERO),
            ("volume_common", NUMBER_OR_ZERO),
            ("method", choice("M", "N", "O", "A")),
            ("charged_individual", MONEY),
            ("charged_common", MONEY_OR_ZERO),
            ("multiplier", FACTOR_OR_ONE),
            ("multiplier_sum", MONEY_OR_ZERO),
            ("recalculation", MONEY_OR_ZERO),
            ("recalculation_reason", FREE_TEXT),
            ("benefit", MONEY_OR_ZERO),
            ("payable", MONEY),
            ("opening", MONEY_OR_ZERO),
            ("penalty", MONEY_OR_ZERO),
        ),
        key=("account", "period", "service_code", "provider_id"),
        monthly=True,
        control_column="payable",
        check=PAYABLE,
    ),
    Kind(
        "bill_totals",
        _columns(
            ("account", TEXT),
            ("period", PERIOD),
            ("opening", MONEY),
            ("payments_counted", MONEY),
            ("counted_until", DAY),
            ("charged", MONEY),
            ("recalculation", MONEY_OR_ZERO),
            ("benefit", MONEY_OR_ZERO),
            ("penalty", MONEY_OR_ZERO),
            ("total_due", MONEY),
            ("gis_document_id", FREE_TEXT),
            ("pdf_ref", FREE_TEXT),
        ),
        key=("account", "period"),
        monthly=True,
        control_column="total_due",
        check=TOTAL_DUE,
    ),
    Kind(
        "reading_acks",
        _columns(
            ("reading_id", ID),
            ("result", choice("accepted", "rejected", "locked")),
            ("reason", FREE_TEXT),
            ("billing_ref", FREE_TEXT),
        ),
        key=("reading_id",),
        monthly=True,
        check=is_answered,
    ),
)

# Every kind by its name, in the order in which a folder is loaded: what is referred to comes first.
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _ALL}
