"""Registers of payments as banks, the post, cash desks and employers lay them out: a profile each, as data.

There is no national form: a contract fixes the columns. A profile says where in a row each thing stands, so
that a new contract is a section of the configuration and no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from core.allocation import Named
from core.errors import KvitokError
from core.money import Money

# Where something stands in a row: the place of a column from 0, or from the end below zero; or, in a register
# whose columns or cells are named, its name.
Place: TypeAlias = int | str

Way = Annotated[str, msgspec.Meta(pattern=r"^(bank:[a-z0-9_-]+|post|cash|terminal|payroll)$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,32}$")]


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a row says whose payment it is, of how much and of when.

    *kept* is what the bank keeps of it and *sent* what it transfers; *order* the number of its transfer,
    *service* the code of the one service that the row is for.
    """

    account: Place
    amount: Place
    day: Place
    time: Place | None = None
    kept: Place | None = None
    sent: Place | None = None
    order: Place | None = None
    service: Place | None = None


class Trailer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line of a register: what it starts with, and where it says how much there was in all."""

    starts: str = "="
    rows: int | None = 0
    amount: int | None = 1
    sent: int | None = None
    kept: int | None = None
    order: int | None = None


class ControlFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file beside the register whose rows say how much there was, perhaps an order of transfer each.

    Its name is the register's with *replace* replaced by *by*. *file*: where a row names the register that
    it is about, for a control file about several.
    """

    replace: str
    by: str
    rows: int
    amount: int
    order: int | None = None
    file: int | None = None
    separator: str = ""


class Groups(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cells that come in groups of *size*, from cell *since* up to cell *until* (below zero: from the end)."""

    since: int
    until: int
    size: int


class MeterGroups(Groups, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Readings that ride in a row; each group has a meter's serial number or id, and a value."""

    meter: int
    value: int
    zone: int | None = None


class ServiceGroups(Groups, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Services that the payer named; each group has a service's code and a sum."""

    service: int = 0
    amount: int = 1


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the registers of one contract are laid out.

    *way* is on which way the money is until it arrives ('bank:sber', 'post'...). *files* are patterns of
    file names. *form*: rows of cells; rows under a header; rows of cells of which some are `name:value`;
    or DBF. *encoding*: '' finds out. *operation* are the places that tell an operation from all others of
    this profile. *padding* cells are left out where groups are looked for. *services* are our codes of
    services by theirs. *account_prefix* is what their account numbers lack in front of ours.
    *unnumbered*: operations have no number, and what comes again in a register is another payment.
    """

    name: Name
    way: Way
    columns: Columns
    operation: Annotated[tuple[Place, ...], msgspec.Meta(min_length=1)]
    files: tuple[str, ...] = ()
    form: Literal["rows", "headed", "named", "dbf"] = "rows"
    encoding: Literal["", "utf-8", "cp1251", "cp866", "koi8-r"] = ""
    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ";"
    day: str = "%d.%m.%Y"
    time: str = "%H:%M:%S"
    trailer: Trailer | None = None
    trailer_needed: bool = False
    control: ControlFile | None = None
    readings: MeterGroups | None = None
    named: ServiceGroups | None = None
    padding: tuple[str, ...] = ("[!]", "", "НЕТ")
    services: Mapping[str, str] = {}
    account_prefix: str = ""
    unnumbered: bool = False

    @property
    def source(self) -> str:
        """Its name among the sources of payments."""
        return f"bank:{self.name}"

    def fits(self, file_name: str) -> bool:
        """Whether a file of this name is one of its registers."""
        return any(fnmatchcase(file_name.lower(), pattern.lower()) for pattern in self.files)


# --- What a register says --------------------------------------------------------------------------


class RidingReading(msgspec.Struct, frozen=True):
    """A reading that came with a payment; *meter* is a serial number or an id, *zone* a register of it."""

    meter: str
    zone: int
    value: Decimal


class RegisterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of a register. *operation* is unique within its profile; *line* counts from 1.

    *order* is the number of the transfer that brings its money, *sent* how much of it; None: it is not said.
    """

    line: int
    operation: str
    account: str
    amount: Money
    paid_on: date
    paid_at: time | None = None
    order: str = ""
    sent: Money | None = None
    named: tuple[Named, ...] = ()
    readings: tuple[RidingReading, ...] = ()


class Register(msgspec.Struct, frozen=True):
    """The payments of a register, each operation once; *repeated* are the lines that came twice."""

    rows: tuple[RegisterRow, ...]
    repeated: tuple[int, ...] = ()


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong in a register and where; line 0 is the file as a whole."""

    line: int
    reason: str


class UnreadableRegisterError(KvitokError):
    """A register is not what its profile says; nothing of it is believed."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(f"{len(mistakes)} mistakes in the register")
        self.mistakes = mistakes


class NoProfileError(KvitokError):
    """No profile has this name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no profile of registers is named {name}; there are: {', '.join(known)}")
        self.name = name


# --- The layouts that come with Kvitok -------------------------------------------------------------

_SBER_DAY: Final = "%d-%m-%Y"
_SBER_TIME: Final = "%H-%M-%S"
# Date, branch, cashier and number: the number alone comes again on other days and in other branches.
_SBER_OPERATION: Final = (0, 2, 3, 4)
_SBER_ENDS: Final = Columns(account=5, amount=-3, day=0, time=1, sent=-2, kept=-1)
_SBER_TRAILER: Final = Trailer(sent=2, kept=3, order=4)

SHIPPED: Final[tuple[Profile, ...]] = (
    Profile(
        name="sber",
        way="bank:sber",
        files=("[0-9]*_[0-9]*_[0-9]*.y[0-9][0-9]",),
        columns=Columns(account=5, amount=9, day=0, time=1, sent=10, kept=11),
        operation=_SBER_OPERATION,
        day=_SBER_DAY,
        time=_SBER_TIME,
        trailer=_SBER_TRAILER,
        trailer_needed=True,
    ),
    Profile(
        name="sber-readings",
        way="bank:sber",
        files=("eps*_*_*_*_*.y[0-9][0-9]",),
        columns=_SBER_ENDS,
        operation=(4,),
        day=_SBER_DAY,
        time=_SBER_TIME,
        trailer=_SBER_TRAILER,
        readings=MeterGroups(since=9, until=-3, size=4, meter=0, zone=2, value=3),
    ),
    Profile(
        name="sber-services",
        way="bank:sber",
        columns=_SBER_ENDS,
        operation=_SBER_OPERATION,
        day=_SBER_DAY,
        time=_SBER_TIME,
        trailer=_SBER_TRAILER,
        trailer_needed=True,
        named=ServiceGroups(since=8, until=-3, size=2),
    ),
    Profile(
        name="sber-named",
        way="bank:sber",
        form="named",
        columns=Columns(account="CLIENTNO", amount=4, day=3),
        operation=(0, 1, 2),
        day="%d/%m/%Y",
    ),
    Profile(
        name="sber-dbf",
        way="bank:sber",
        form="dbf",
        files=("h[0-9]*.dbf",),
        columns=Columns(account="LSCHET", amount="SUMMA", day="DATA", kept="SBOR", order="PLNOM"),
        operation=("DATA", "KFOSB", "KISP", "NOP"),
        day="%Y%m%d",
    ),
    Profile(
        name="post",
        way="post",
        form="headed",
        files=("post_*.csv", "почта*.csv"),
        columns=Columns(
            account="Лицевой счет",
            amount="Сумма платежа",
            day="Дата платежа",
            order="Номер платежного поручения",
        ),
        # A sheet of the post numbers nothing: an order, a day, an account and a sum are all that there is.
        operation=("Номер платежного поручения", "Дата платежа", "Лицевой счет", "Сумма платежа"),
        unnumbered=True,
    ),
    Profile(
        name="subsidy",
        way="bank:subsidy",
        form="headed",
        files=("agent_subsidy_*.txt",),
        columns=Columns(account="uk_num", amount="summa", day="dtz_pay", service="service"),
        operation=("id_paid_coupon", "lsnum", "service"),
    ),
    Profile(
        name="subsidy-russian",
        way="bank:subsidy",
        form="headed",
        columns=Columns(
            account="ЛИЦЕВОЙ_СЧЕТ_ПР", amount="СУММА_ПЛАТЕЖА", day="ДАТА_ПЛАТЕЖА", service="НАИМ_ПЛАТЕЖА"
        ),
        operation=("ИДЕНТ_ПЛАТЕЖА", "ЛИЦЕВОЙ_СЧЕТ_СГ", "КОД_ПЛАТЕЖА"),
    ),
    Profile(
        name="agent-dbf",
        way="bank:agent",
        form="dbf",
        files=("[0-9]*_[0-9]*_[0-9]*.dbf",),
        columns=Columns(account="LS_NUM", amount="SUMMA", day="PAY_DATE", order="PLPOR_NUM"),
        operation=("ID_PAY",),
        day="%Y%m%d",
    ),
    Profile(
        name="post-dbf",
        way="post",
        form="dbf",
        files=("fpst[0-9]*.dbf", "26tr[0-9]*.dbf"),
        columns=Columns(account="LSCHET", amount="SOPL", day="DATE", order="NUMPLP"),
        operation=("DATE", "KFOSB", "NUMBER"),
        day="%Y%m%d",
    ),
    Profile(
        name="orders",
        way="bank:orders",
        files=("detail_*.txt",),
        separator="|",
        columns=Columns(account=7, amount=6, day=2, order=1),
        operation=(0, 1, 3, 4, 5),
        control=ControlFile(replace="detail_", by="pack_", amount=2, rows=3, order=1),
        account_prefix="058",
    ),
    Profile(
        name="code13",
        way="bank:code13",
        files=("code13_*.txt",),
        columns=Columns(account=0, amount=1, day=4, order=3),
        operation=(2,),
        control=ControlFile(replace=".txt", by=".ctl", file=1, rows=3, amount=4),
        readings=MeterGroups(since=5, until=17, size=2, meter=0, value=1),
    ),
    Profile(
        name="cash",
        way="cash",
        form="headed",
        files=("cash_*.csv",),
        columns=Columns(account="account", amount="amount", day="day", time="time", service="service"),
        operation=("day", "desk", "receipt"),
        day="%Y-%m-%d",
    ),
    Profile(
        name="payroll",
        way="payroll",
        form="headed",
        files=("payroll_*.csv",),
        columns=Columns(account="account", amount="amount", day="day", order="order"),
        operation=("employer", "order", "number"),
        day="%Y-%m-%d",
        trailer=Trailer(starts="=", rows=0, amount=1),
    ),
)


def profile_named(name: str, own: tuple[Profile, ...] = ()) -> Profile:
    """The centre's *own* profile of that name, else the shipped one. Raises NoProfileError."""
    by_name = {profile.name: profile for profile in (*SHIPPED, *own)}
    try:
        return by_name[name]
    except KeyError:
        raise NoProfileError(name, tuple(sorted(by_name))) from None


def profile_of(file_name: str, own: tuple[Profile, ...] = ()) -> Profile | None:
    """The profile that a file of this name is of, the centre's *own* ones first; None if of none."""
    replaced = {profile.name for profile in own}
    candidates = (*own, *(profile for profile in SHIPPED if profile.name not in replaced))
    return next((profile for profile in candidates if profile.fits(file_name)), None)
