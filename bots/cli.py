"""The command line of Kvitok. Each command is thin, and imports what it runs only when it runs."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from bots.cli_bank import bank_app
from bots.cli_options import (
    CONFIG,
    DATA,
    NUMBER_MAX,
    AccountNumber,
    Config,
    Data,
    Day,
    Out,
    Since,
    read_day,
    read_month,
    run,
)
from bots.cli_staff import cases_app, links_app
from bots.command_errors import told_of
from core.errors import KvitokError
from storage.roles import Roles

# Rich draws tables where there are some; --help and errors are plain, which costs half of the time.
app = typer.Typer(
    name="kvitok",
    help="Kvitok: the household utility bill in the messenger that residents already use.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
export_app = typer.Typer(help="Write what billing is to take over.")
ledger_app = typer.Typer(help="The books: proof, differences, an account's own.")
channels_app = typer.Typer(help="The messengers' webhooks.")
bills_app = typer.Typer(help="The bills of a month.")
payments_app = typer.Typer(help="Payments: comparing, giving back, finding whose they are.")
app.add_typer(payments_app, name="payments")
app.add_typer(bank_app, name="bank")
app.add_typer(export_app, name="export")
app.add_typer(bills_app, name="bills")
app.add_typer(ledger_app, name="ledger")
app.add_typer(cases_app, name="cases")
app.add_typer(links_app, name="links")
app.add_typer(channels_app, name="channels")


def main() -> None:
    """Run the command that was asked for; whatever goes wrong is one line and a status that is not 0.

    `kvitok` alone shows the help. KVITOK_TRACEBACK=1 shows where a fault of ours happened.
    """
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except (typer.TyperException, typer.Abort, KvitokError, OSError) as error:
        _stop(error)
    except Exception as error:
        if os.environ.get("KVITOK_TRACEBACK"):
            raise
        _stop(error)


def _stop(error: Exception) -> None:
    line, status = told_of(error)
    sys.stderr.write(f"kvitok: {line}\n")
    sys.exit(status)


@app.command()
def demo(
    *,
    port: Annotated[int, typer.Option(help="The page's port.", min=1, max=65535)] = 8080,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
    accounts: Annotated[int, typer.Option(help="How many accounts a new town has.", min=3)] = 12,
    data: Data = DATA,
) -> None:
    """Start a whole town to try in a browser page.

    Needs no credentials and no network.
    """
    import gc  # noqa: PLC0415  # not for --help

    from bots.ports import LOOPBACK, check_free  # noqa: PLC0415  # as above

    check_free(LOOPBACK, port)
    # What is loaded at the start is no garbage, and looking through it costs a second; run_demo looks again.
    gc.disable()
    from bots.simulator.demo import run_demo  # noqa: PLC0415

    run(run_demo(data, port=port, fresh=fresh, accounts=accounts))


@app.command()
def serve(
    *,
    config: Config = CONFIG,
    polling: Annotated[bool, typer.Option("--polling", help="Fetch updates: no public address.")] = False,
    embedded: Annotated[bool, typer.Option("--embedded", help="Start a PostgreSQL of our own.")] = False,
    data: Data = DATA,
) -> None:
    """Serve residents until stopped.

    Webhooks or polling, replies, the pay page and the schedule in one process.
    """
    from bots.serve_command import serve as command  # noqa: PLC0415

    run(command(config, polling=polling, embedded=data if embedded else None))


@app.command()
def migrate(
    *,
    app_role: Annotated[str, typer.Option("--app-role", help="The role that serves.")] = Roles.app,
    reader_role: Annotated[str, typer.Option("--reader-role", help="The role of reports.")] = Roles.reader,
    data: Data = DATA,
) -> None:
    """Bring the database's tables up to this release.

    They stand in the owner's schema and are granted to the centre's two other roles.
    """
    from bots.commands import migrate as command  # noqa: PLC0415

    run(command(data, app=app_role, reader=reader_role))


@app.command()
def town(
    *,
    accounts: Annotated[int, typer.Option(min=3, help="How many accounts.")] = 1000,
    seed: Annotated[int, typer.Option(help="Another seed, another town.")] = 1,
    out: Out = Path("town"),
    today: Annotated[
        date | None,
        typer.Option(help="The town's day; today by default.", parser=read_day, metavar="YYYY-MM-DD"),
    ] = None,
) -> None:
    """Write a generated town as import files."""
    from bots.commands import write_a_town  # noqa: PLC0415

    day = today or datetime.now(UTC).date()
    write_a_town(out, accounts=accounts, seed=seed, today=day, environment=os.environ)


@app.command(name="import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", help="The layout of registers whose names do not tell it.")
    ] = None,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Take over billing's files, registers and bank statements.

    A file with a mistake is left out whole. Status 1 if one is, or if a file is of no known kind.
    """
    from bots.commands import import_paths  # noqa: PLC0415

    run(import_paths(paths, profile=profile, config=config, data=data))


@app.command()
def settle(
    *,
    day: Day,
    out: Out = Path("settlement"),
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Seal a day and settle it with providers.

    Writes registers and payment orders. Safe to run again.
    """
    from bots.book_commands import settle as command  # noqa: PLC0415

    run(command(day, out, config=config, data=data))


@export_app.command(name="readings")
def export_readings(*, since: Since, out: Out = Path(), data: Data = DATA) -> None:
    """Write the readings received since a day."""
    _export("readings", since, out, data)


@export_app.command(name="payments")
def export_payments(*, since: Since, out: Out = Path(), data: Data = DATA) -> None:
    """Write the payments booked since a day, and their spread."""
    _export("payments", since, out, data)


def _export(kind: str, since: date, out: Path, data: Path) -> None:
    from bots.commands import export  # noqa: PLC0415

    run(export(kind, since=since, out=out, data=data))


@bills_app.command()
def render(
    *,
    period: Annotated[
        date, typer.Option("--period", help="The month billed.", parser=read_month, metavar="YYYY-MM")
    ],
    out: Out = Path("bills"),
    codes: Annotated[
        Path | None, typer.Option("--codes", help="Billing's codes to print: a CSV of account;code.")
    ] = None,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Draw every bill of a month for paper.

    A PDF file each, on all cores.
    """
    from bots.bill_printing import render_bills  # noqa: PLC0415
    from core.messages import Month  # noqa: PLC0415

    run(render_bills(Month.of(period), out, codes=codes, config=config, data=data))


@ledger_app.command()
def verify(*, data: Data = DATA) -> None:
    """Prove the books; every fault is named by its row. Status 1 if there is one."""
    from bots.commands import verify as command  # noqa: PLC0415

    run(command(data))


@ledger_app.command()
def seal(*, day: Day, config: Config = CONFIG, data: Data = DATA) -> None:
    """Seal all days up to this one, which is over: what `serve` does by itself every day, and asks about after a pause."""
    from bots.book_commands import seal as command  # noqa: PLC0415

    run(command(day, config=config, data=data))


@ledger_app.command()
def differences(*, data: Data = DATA) -> None:
    """List accounts that differ from billing. Status 1 if one does."""
    from bots.commands import differences as command  # noqa: PLC0415

    run(command(data))


@ledger_app.command(name="show")
def show_books(
    account: AccountNumber,
    *,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Show an account's books with a running balance."""
    from bots.book_commands import show_books as command  # noqa: PLC0415

    run(command(account, config=config, data=data))


@ledger_app.command(name="penalties")
def compare_penalties(*, config: Config = CONFIG, data: Data = DATA) -> None:
    """List penalties that differ from our reckoning. Status 1 if one does."""
    from bots.book_commands import compare_penalties as command  # noqa: PLC0415

    run(command(config=config, data=data))


@payments_app.command(name="match")
def match_payment(
    number: Annotated[
        int, typer.Argument(metavar="PAYMENT", help="The payment that was put aside.", max=NUMBER_MAX)
    ],
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account that it is for.")],
    *,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Give a payment that was put aside to its account."""
    from bots.book_commands import match_payment as command  # noqa: PLC0415

    run(command(number, account, config=config, data=data))


@payments_app.command(name="reconcile")
def reconcile_payments(
    *,
    day: Day,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Compare a day with the acquirers, posting what was missed.

    Status 1 if anything differs.
    """
    from bots.payment_commands import compare  # noqa: PLC0415

    run(compare(day, config=config, data=data))


@payments_app.command(name="refund")
def refund_payment(
    number: Annotated[int, typer.Argument(metavar="N", help="The payment's number.", max=NUMBER_MAX)],
    amount: Annotated[str | None, typer.Argument(metavar="SUM", help="In roubles; all by default.")] = None,
    *,
    to: Annotated[
        str | None, typer.Option("--to", help="The payer's e-mail or phone, for the receipt of a part.")
    ] = None,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Have the acquirer give a payment back, whole or in part.

    The resident is told. Safe to run again.
    """
    from bots.payment_commands import give_back  # noqa: PLC0415

    run(give_back(number, amount, to=to, config=config, data=data))


@channels_app.command()
def subscribe(*, config: Config = Path("config.yaml")) -> None:
    """Have the messengers send their updates here. Status 1 if one refuses."""
    from bots.subscribing import subscribe as command  # noqa: PLC0415

    run(command(config))


@channels_app.command()
def unsubscribe(*, config: Config = Path("config.yaml")) -> None:
    """Have the messengers stop sending; what waits there is kept.

    Status 1 if one refuses.
    """
    from bots.subscribing import unsubscribe as command  # noqa: PLC0415

    run(command(config))


@app.command()
def doctor(*, config: Config = CONFIG, data: Data = DATA) -> None:
    """Check everything, a line a check. Status 1 if one fails.

    The configuration with all its mistakes, database, migrations, clock, channels, acquirers.
    """
    from bots.doctor import doctor as command  # noqa: PLC0415

    run(command(config, data))
