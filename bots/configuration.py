"""config.yaml, checked as a whole: every mistake is named with its path and what is accepted.

What is secret is never in the file: it comes from environment variables, or from files that they name
(`KVITOK_TELEGRAM_TOKEN`, or `KVITOK_TELEGRAM_TOKEN_FILE`).
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from bots.channel_sections import ChannelsSection
from bots.money_sections import AllocationSection, PenaltiesSection
from bots.networks import network_mistakes
from bots.payment_sections import SberbankSection, TaxType, VatCode, YookassaSection
from bots.reading_sections import MonthText, MovedWindowSection, moved_mistakes
from core.bank_statements import Agent, Bank
from core.errors import KvitokError
from core.messages import Month
from core.money import Money
from core.registers import Profile
from core.requisites import Requisites, faults
from core.turns import Centre, DueDay, Limits

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Day = Annotated[int, msgspec.Meta(ge=1, le=31)]
Count = Annotated[int, msgspec.Meta(ge=1)]

T = TypeVar("T")


class ConfigurationError(KvitokError):
    """The configuration has mistakes; each names its path, what is wrong and what is accepted."""

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        more = f" (and {len(mistakes) - 1} more, see `kvitok doctor`)" if len(mistakes) > 1 else ""
        super().__init__(f"{source}: {mistakes[0]}{more}")
        self.mistakes = tuple(mistakes)


class DueDaySection(msgspec.Struct, frozen=True):
    """Bills for months from *since* ('YYYY-MM') on are due on this day of the following month."""

    since: MonthText
    day: Day


class RequisitesSection(msgspec.Struct, frozen=True):
    """The centre's own account, printed on bills and in payment QRs; the check digits are checked.

    *category* and *service* are what the centre's bank wants to find in a payment QR, if anything.
    """

    name: str
    inn: str
    bank_account: str
    bank_name: str
    bik: str
    corr_account: str = ""
    kpp: str = ""
    category: str = ""
    service: str = ""

    @property
    def as_requisites(self) -> Requisites:
        """The same for whoever draws them."""
        return Requisites(**msgspec.structs.asdict(self))


class CentreSection(msgspec.Struct, frozen=True):
    """Who the centre is, and what residents are told of it. Without *requisites* no payment QR is offered."""

    name: str
    timezone: str = "Europe/Moscow"
    address: str = ""
    phone: str = ""
    hours: str = ""
    site: str = ""
    privacy_url: str = ""
    requisites: RequisitesSection | None = None
    # A phone that billing has on file proves an account, where a messenger vouches for the phone.
    phone_proves: bool = False
    due_days: tuple[DueDaySection, ...] = (DueDaySection("2000-01", 10), DueDaySection("2026-02", 15))
    # What the government moves each year: working days made days of rest, and days of rest made working days.
    days_off: tuple[date, ...] = ()
    days_worked: tuple[date, ...] = ()
    moved_windows: tuple[MovedWindowSection, ...] = ()


class DatabaseSection(msgspec.Struct, frozen=True):
    """How many connections a process may open; where the database is, is a secret.

    *pooled* says that its address leads to pgbouncer, pooling by transaction: see docs/scaling.md.
    """

    connections_max: Annotated[int, msgspec.Meta(ge=2, le=200)] = 10
    pooled: bool = False


class ServerSection(msgspec.Struct, frozen=True):
    """Where `serve` listens and is reached, whose word on senders is believed, who may read `/metrics`."""

    public_url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/]+(/.*)?$")]
    host: str = "127.0.0.1"
    port: Port = 8080
    trusted_proxies: tuple[str, ...] = ()
    metrics_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


class SimulatedSection(msgspec.Struct, frozen=True):
    """The acquirer of the demo."""

    base: str


class PaymentsSection(msgspec.Struct, frozen=True):
    """The acquirers that are on, and the limits of a payment in roubles."""

    yookassa: YookassaSection | None = None
    sberbank: SberbankSection | None = None
    simulated: SimulatedSection | None = None
    min_roubles: Count = 1
    other_min_roubles: Count = 10
    max_roubles: Count = 100_000


class Configuration(msgspec.Struct, frozen=True):
    """The whole of config.yaml."""

    centre: CentreSection
    server: ServerSection
    database: DatabaseSection = DatabaseSection()
    channels: ChannelsSection = ChannelsSection()
    payments: PaymentsSection = PaymentsSection()
    allocation: AllocationSection = AllocationSection()
    penalties: PenaltiesSection = PenaltiesSection()
    # Layouts of registers beside those that ship: core.registers.Profile.
    registers: tuple[Profile, ...] = ()
    # Who sends residents' money to the centre's account: core.bank_statements.Agent.
    agents: tuple[Agent, ...] = ()

    @property
    def as_bank(self) -> Bank | None:
        """The centre's account, for its bank's statements; None where it is not said."""
        of = self.centre.requisites
        return None if of is None else Bank(of.bank_account, of.inn, self.agents)

    @property
    def as_centre(self) -> Centre:
        """The settings that dialogues need."""
        of = self.centre
        return Centre(
            name=of.name,
            zone=ZoneInfo(of.timezone),
            address=of.address,
            phone=of.phone,
            hours=of.hours,
            site=of.site,
            privacy_url=of.privacy_url,
            requisites=of.requisites.as_requisites if of.requisites else None,
            phone_proves=of.phone_proves,
            limits=Limits(
                payment_min=Money(self.payments.min_roubles * 100),
                payment_other_min=Money(self.payments.other_min_roubles * 100),
                payment_max=Money(self.payments.max_roubles * 100),
            ),
            chat_links=self.channels.links(self.server.public_url),
            due_days=tuple(DueDay(Month.parse(each.since), each.day) for each in of.due_days),
            days_off=of.days_off,
            days_worked=of.days_worked,
            moved_windows=tuple(each.as_window for each in of.moved_windows),
            allocation=self.allocation.as_rule,
            penalties=self.penalties.as_rules,
        )


def load(path: Path) -> Configuration:
    """The configuration in *path*. Raises ConfigurationError, which names every mistake at once."""
    return checked(read(path), source=str(path))


def read(path: Path) -> object:
    """What *path* holds, unchecked. Raises ConfigurationError where that is no YAML."""
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), ["is not UTF-8"]) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(str(path), [f"is not YAML: {_in_a_line(error)}"]) from error
    return content


# Where a configuration is looked for unasked.
USUAL: Final = Path("config.yaml")


def found(path: Path) -> Configuration | None:
    """The same; None where there is none at the usual place and no other was asked for."""
    return None if path == USUAL and not path.exists() else load(path)


def _in_a_line(error: yaml.YAMLError) -> str:
    """What the reader of YAML found and where; it tells it in a whole paragraph."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"


def checked(content: object, *, source: str) -> Configuration:
    """*content* as a configuration. Raises ConfigurationError."""
    mistakes = list(_mistakes(content, Configuration, ""))
    zone = _at(content, "centre", "timezone")
    if isinstance(zone, str) and not _is_zone(zone):
        mistakes.append(f"centre.timezone: {zone!r} is no time zone; accepted: a name such as Europe/Moscow")
    for name in ("trusted_proxies", "metrics_networks"):
        mistakes += network_mistakes(_at(content, "server", name), f"server.{name}")
    if mistakes:
        raise ConfigurationError(source, mistakes)
    configuration = msgspec.convert(content, Configuration)
    mistakes += moved_mistakes(configuration.centre.moved_windows, "centre.moved_windows")
    if requisites := configuration.as_centre.requisites:
        mistakes += [
            f"centre.requisites.{field}: cannot be right; accepted: {accepted}"
            for field, accepted in faults(requisites)
        ]
    if mistakes:
        raise ConfigurationError(source, mistakes)
    return configuration


def _at(content: object, *path: str) -> object:
    for name in path:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _mistakes(content: object, kind: type[msgspec.Struct], path: str) -> list[str]:
    """What is wrong with *content* as a section of *kind*, all of it."""
    where = path or "the file"
    if not isinstance(content, Mapping):
        return [f"{where}: a section is expected, with {_names(kind)}"]
    prefix = f"{path}." if path else ""
    found = [
        f"{prefix}{name}: is not known; accepted here: {_names(kind)}"
        for name in content
        if name not in kind.__struct_fields__
    ]
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        if field.encode_name in content:
            found += _value_mistakes(
                content[field.encode_name], hints[field.name], prefix + field.encode_name
            )
        elif field.required:
            found.append(f"{prefix}{field.encode_name}: is missing; accepted: {_accepted(hints[field.name])}")
    return found or _whole_mistakes(content, kind, where)


def _whole_mistakes(content: object, kind: type[msgspec.Struct], where: str) -> list[str]:
    """What a section says against values that are right each on its own type's terms."""
    try:
        msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        return [f"{where}: {error}"]
    return []


def _value_mistakes(value: object, hint: Any, path: str) -> list[str]:
    section = _section_in(hint)
    if section is not None:
        return _mistakes(value, section, path)
    if (listed := _listed_section(hint)) is not None and isinstance(value, list):
        return [wrong for at, each in enumerate(value) for wrong in _mistakes(each, listed, f"{path}[{at}]")]
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return [f"{path}: {error}; accepted: {_accepted(hint)}"]
    return []


def _section_in(hint: Any) -> type[msgspec.Struct] | None:
    choices = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    sections = [each for each in choices if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    return sections[0] if sections else None


def _listed_section(hint: Any) -> type[msgspec.Struct] | None:
    """The section that a list has many of."""
    return _section_in(get_args(hint)[0]) if get_origin(hint) is tuple else None


def _accepted(hint: Any) -> str:
    """What values a field of this type takes, in words."""
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if get_origin(hint) is Annotated:
        base, *limits = get_args(hint)
        bounds = [limit for limit in limits if isinstance(limit, msgspec.Meta)]
        return " ".join([_accepted(base), *(_bounds(limit) for limit in bounds)]).strip()
    if (section := _section_in(hint)) is not None:
        return f"a section with {_names(section)}"
    if (listed := _listed_section(hint)) is not None:
        return f"a list of sections with {_names(listed)}"
    return _PLAIN.get(hint, "a list of texts")


_PLAIN: Final[Mapping[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Decimal: "a number",
    date: "a day such as 2026-12-15",
    tuple[date, ...]: "a list of days such as 2026-12-15",
    dict[str, VatCode]: "numbers of VAT by service",
    dict[str, TaxType]: "numbers of VAT by service",
}


def _bounds(limit: msgspec.Meta) -> str:
    parts = []
    if limit.ge is not None:
        parts.append(f"from {limit.ge}")
    if limit.le is not None:
        parts.append(f"to {limit.le}")
    if limit.pattern is not None:
        parts.append(f"like {limit.pattern}")
    return " ".join(parts)


def _names(kind: type[msgspec.Struct]) -> str:
    return ", ".join(field.encode_name for field in msgspec.structs.fields(kind))


# --- Secrets --------------------------------------------------------------------------------------


class MissingSecretError(KvitokError):
    """A secret is neither in the environment nor in a file that the environment names."""

    def __init__(self, name: str, use: str) -> None:
        super().__init__(f"{name} is not set ({use}); set it, or {name}_FILE to a file that holds it")
        self.name = name


class Secrets:
    """The secrets of the environment, read when asked for and never shown."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __repr__(self) -> str:
        return "Secrets(…)"

    def find(self, name: str) -> str | None:
        """The secret *name*; None if it is not set. Raises MissingSecretError for a file that cannot be read."""
        if (value := self._environment.get(name)) is not None:
            return value
        file = self._environment.get(f"{name}_FILE")
        if file is None:
            return None
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise MissingSecretError(name, f"{name}_FILE cannot be read: {error.strerror}") from error

    def need(self, name: str, use: str) -> str:
        """The secret *name*, needed for *use*. Raises MissingSecretError."""
        value = self.find(name)
        if not value:
            raise MissingSecretError(name, use)
        return value

    def missing(self, name: str, use: str) -> list[MissingSecretError]:
        """Why the secret *name* cannot be had; nothing where it can."""
        try:
            self.need(name, use)
        except MissingSecretError as error:
            return [error]
        return []
