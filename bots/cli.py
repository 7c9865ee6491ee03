"""The command line of Kvitok. Each command is thin, and imports what it runs only when it runs."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from core.errors import KvitokError

app = typer.Typer(
    name="kvitok",
    help="Kvitok: the household utility bill in the messenger that residents already use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
export_app = typer.Typer(help="Write what billing is to take over.", no_args_is_help=True)
ledger_app = typer.Typer(help="The books: proof, differences, an account's own.", no_args_is_help=True)
channels_app = typer.Typer(help="The messengers' webhooks.", no_args_is_help=True)
cases_app = typer.Typer(help="What needs a person.", no_args_is_help=True)
bills_app = typer.Typer(help="The bills of a month.", no_args_is_help=True)
payments_app = typer.Typer(
    help="Payments: comparing, giving back, finding whose they are.", no_args_is_help=True
)
app.add_typer(payments_app, name="payments")
app.add_typer(export_app, name="export")
app.add_typer(bills_app, name="bills")
app.add_typer(ledger_app, name="ledger")
app.add_typer(cases_app, name="cases")
app.add_typer(channels_app, name="channels")

DATA: Final = Path(".kvitok")

Config = Annotated[Path, typer.Option("--config", help="The configuration.")]
Data = Annotated[Path, typer.Option("--data", help="Where the embedded database keeps its data.")]
Since = Annotated[datetime, typer.Option("--since", help="The first day.", formats=["%Y-%m-%d"])]
Out = Annotated[Path, typer.Option("--out", help="The folder to write to.")]
CaseNumber = Annotated[int, typer.Argument(metavar="N", help="The case's number.")]


def main() -> None:
    """Run the command that was asked for; an error that we know is one line and status 1."""
    try:
        app()
    except KvitokError as error:
        sys.stderr.write(f"kvitok: {error}\n")
        sys.exit(1)


def _run(command: Coroutine[Any, Any, int | None]) -> None:
    """Run *command* on the fast event loop; its number is the exit status."""
    import uvloop  # noqa: PLC0415  # not for --help

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(command)
    if status:
        raise typer.Exit(status)


@app.command()
def demo(
    *,
    port: Annotated[int, typer.Option(help="The page's port.")] = 8080,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
    accounts: Annotated[int, typer.Option(help="How many accounts a new town has.")] = 12,
    data: Data = DATA,
) -> None:
    """Start a whole town to try in a browser page: no credentials, no network."""
    # What is loaded at the start is no garbage, and looking through it costs a second; run_demo looks again.
    gc.disable()
    from bots.simulator.demo import run_demo  # noqa: PLC0415

    _run(run_demo(data, port=port, fresh=fresh, accounts=accounts))


@app.command()
def serve(
    *,
    config: Config = Path("config.yaml"),
    polling: Annotated[bool, typer.Option("--polling", help="Fetch updates: no public address.")] = False,
    embedded: Annotated[bool, typer.Option("--embedded", help="Start a PostgreSQL of our own.")] = False,
    data: Data = DATA,
) -> None:
    """Serve residents: webhooks or polling, replies, pay page, schedule, in one process."""
    from bots.commands import serve as command  # noqa: PLC0415

    _run(command(config, polling=polling, embedded=data if embedded else None))


@app.command()
def migrate(*, data: Data = DATA) -> None:
    """Bring the database's tables up to this release."""
    from bots.commands import migrate as command  # noqa: PLC0415

    _run(command(data))


@app.command()
def town(
    *,
    accounts: Annotated[int, typer.Option(min=3, help="How many accounts.")] = 1000,
    seed: Annotated[int, typer.Option(help="Another seed, another town.")] = 1,
    out: Out = Path("town"),
    today: Annotated[
        datetime | None, typer.Option(help="The town's day; today by default.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Write a generated town as import files."""
    from bots.commands import write_a_town  # noqa: PLC0415

    day = today.date() if today else datetime.now(UTC).date()
    write_a_town(out, accounts=accounts, seed=seed, today=day, environment=os.environ)


@app.command(name="import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", help="The layout of registers whose names do not tell it.")
    ] = None,
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Take over billing's files and registers of payments; one with a mistake is left out whole."""
    from bots.commands import import_paths  # noqa: PLC0415

    _run(import_paths(paths, profile=profile, config=config, data=data))


@app.command()
def settle(
    *,
    day: Annotated[datetime, typer.Option("--date", help="The day that is over.", formats=["%Y-%m-%d"])],
    out: Out = Path("settlement"),
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Seal a day and settle it with providers: registers and payment orders. Safe to run again."""
    from bots.book_commands import settle as command  # noqa: PLC0415

    _run(command(day.date(), out, config=config, data=data))


@export_app.command(name="readings")
def export_readings(*, since: Since, out: Out = Path(), data: Data = DATA) -> None:
    """Write the readings that were received since a day."""
    _export("readings", since.date(), out, data)


@export_app.command(name="payments")
def export_payments(*, since: Since, out: Out = Path(), data: Data = DATA) -> None:
    """Write the payments that were booked since a day, and how they were spread."""
    _export("payments", since.date(), out, data)


def _export(kind: str, since: date, out: Path, data: Path) -> None:
    from bots.commands import export  # noqa: PLC0415

    _run(export(kind, since=since, out=out, data=data))


@bills_app.command()
def render(
    *,
    period: Annotated[datetime, typer.Option("--period", help="The month billed.", formats=["%Y-%m"])],
    out: Out = Path("bills"),
    codes: Annotated[
        Path | None, typer.Option("--codes", help="Billing's codes to print: a CSV of account;code.")
    ] = None,
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Draw every bill of a month for paper, a PDF file each, on all cores."""
    from bots.bill_printing import render_bills  # noqa: PLC0415
    from core.messages import Month  # noqa: PLC0415

    _run(render_bills(Month.of(period.date()), out, codes=codes, config=config, data=data))


@ledger_app.command()
def verify(*, data: Data = DATA) -> None:
    """Prove the books; every fault is named by its row. Status 1 if there is one."""
    from bots.commands import verify as command  # noqa: PLC0415

    _run(command(data))


@ledger_app.command()
def differences(*, data: Data = DATA) -> None:
    """List accounts whose balance differs from billing's. Status 1 if there is one."""
    from bots.commands import differences as command  # noqa: PLC0415

    _run(command(data))


@ledger_app.command(name="show")
def show_books(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's number.")],
    *,
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Show an account's books, in Russian and with a running balance."""
    from bots.book_commands import show_books as command  # noqa: PLC0415

    _run(command(account, config=config, data=data))


@ledger_app.command(name="penalties")
def compare_penalties(*, config: Config = Path("config.yaml"), data: Data = DATA) -> None:
    """List penalties of billing that our own reckoning does not give. Status 1 if there is one."""
    from bots.book_commands import compare_penalties as command  # noqa: PLC0415

    _run(command(config=config, data=data))


@payments_app.command(name="match")
def match_payment(
    number: Annotated[int, typer.Argument(metavar="PAYMENT", help="The payment that was put aside.")],
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account that it is for.")],
    *,
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Give a payment that was put aside to its account."""
    from bots.book_commands import match_payment as command  # noqa: PLC0415

    _run(command(number, account, config=config, data=data))


@payments_app.command(name="reconcile")
def reconcile_payments(
    *,
    day: Annotated[datetime, typer.Option("--date", help="The day.", formats=["%Y-%m-%d"])],
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Compare a day with the acquirers, posting what was missed. Status 1 if anything differs."""
    from bots.payment_commands import compare  # noqa: PLC0415

    _run(compare(day.date(), config=config, data=data))


@payments_app.command(name="refund")
def refund_payment(
    number: Annotated[int, typer.Argument(metavar="N", help="The payment's number.")],
    amount: Annotated[str | None, typer.Argument(metavar="SUM", help="In roubles; all by default.")] = None,
    *,
    config: Config = Path("config.yaml"),
    data: Data = DATA,
) -> None:
    """Have the acquirer give a payment back, whole or in part; the resident is told. Safe to run again."""
    from bots.payment_commands import give_back  # noqa: PLC0415

    _run(give_back(number, amount, config=config, data=data))


@cases_app.command(name="list")
def list_cases(*, data: Data = DATA) -> None:
    """List the open cases."""
    from bots.commands import list_cases as command  # noqa: PLC0415

    _run(command(data))


@cases_app.command(name="show")
def show_case(number: CaseNumber, *, data: Data = DATA) -> None:
    """Show a case with its facts."""
    from bots.commands import show_case as command  # noqa: PLC0415

    _run(command(number, data))


@cases_app.command(name="answer")
def answer_case(
    number: CaseNumber,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer, as the resident will read it.")],
    *,
    data: Data = DATA,
) -> None:
    """Answer a case: the answer goes to the resident's chat."""
    from bots.commands import answer_case as command  # noqa: PLC0415

    _run(command(number, text, data))


@cases_app.command(name="close")
def close_case(number: CaseNumber, *, data: Data = DATA) -> None:
    """Close a case without a further word."""
    from bots.commands import close_case as command  # noqa: PLC0415

    _run(command(number, data))


@channels_app.command()
def subscribe(*, config: Config = Path("config.yaml")) -> None:
    """Have every configured messenger send its updates here. Status 1 if one refuses."""
    from bots.subscribing import subscribe as command  # noqa: PLC0415

    _run(command(config))


@channels_app.command()
def unsubscribe(*, config: Config = Path("config.yaml")) -> None:
    """Have every configured messenger stop sending; what waits there is kept. Status 1 if one refuses."""
    from bots.subscribing import unsubscribe as command  # noqa: PLC0415

    _run(command(config))


@app.command()
def doctor(*, config: Config = Path("config.yaml"), data: Data = DATA) -> None:
    """Check everything, a line a check: configuration, database, clock, channels. Status 1 if one fails."""
    from bots.doctor import doctor as command  # noqa: PLC0415

    _run(command(config, data))
