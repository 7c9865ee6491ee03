"""The commands of those who answer residents: cases, and who is linked to an account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bots.cli_options import CONFIG, DATA, NUMBER_MAX, AccountNumber, CaseNumber, Config, Data, Why, run

cases_app = typer.Typer(help="What needs a person; alone: lists the open cases.", invoke_without_command=True)
links_app = typer.Typer(help="Who is linked to an account, and what keeps them from it.")


@cases_app.callback()
def open_cases(context: typer.Context) -> None:
    """What needs a person; alone: lists the open cases."""
    if context.invoked_subcommand is None:
        list_cases(data=DATA)


@cases_app.command(name="list")
def list_cases(*, data: Data = DATA) -> None:
    """List the open cases."""
    from bots.case_commands import list_cases as command  # noqa: PLC0415

    run(command(data))


@cases_app.command(name="show")
def show_case(number: CaseNumber, *, data: Data = DATA) -> None:
    """Show a case with its facts."""
    from bots.case_commands import show_case as command  # noqa: PLC0415

    run(command(number, data))


@cases_app.command(name="answer")
def answer_case(
    number: CaseNumber,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer, as the resident will read it.")],
    *,
    again: Annotated[bool, typer.Option("--again", help="Send a further answer.")] = False,
    data: Data = DATA,
) -> None:
    """Answer a case: the answer goes to the resident's chat."""
    from bots.case_commands import answer_case as command  # noqa: PLC0415

    run(command(number, text, again=again, data=data))


@cases_app.command(name="photo")
def fetch_photo(
    number: CaseNumber,
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write.", dir_okay=False)],
    which: Annotated[int, typer.Option("--photo", help="Which of the case's photos.", min=1)] = 1,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Fetch a case's photo from its messenger into a file."""
    from bots.photo_command import fetch_photo as command  # noqa: PLC0415

    run(command(number, which, out, config=config, data=data))


@cases_app.command(name="close")
def close_case(number: CaseNumber, *, data: Data = DATA) -> None:
    """Close a case without a further word."""
    from bots.case_commands import close_case as command  # noqa: PLC0415

    run(command(number, data))


@links_app.command(name="show")
def show_links(account: AccountNumber, *, data: Data = DATA) -> None:
    """Show who has an account, and whether it is on hold."""
    from bots.link_commands import show_links as command  # noqa: PLC0415

    run(command(account, data=data))


@links_app.command(name="unfreeze")
def unfreeze_link(
    account: AccountNumber,
    link: Annotated[
        int, typer.Argument(metavar="LINK", help="The link's number, from `links show`.", max=NUMBER_MAX)
    ],
    *,
    why: Why,
    data: Data = DATA,
) -> None:
    """Give a chat back the account that «Это не я» took; it is told."""
    from bots.link_commands import unfreeze_link as command  # noqa: PLC0415

    run(command(account, link, why=why, data=data))


@links_app.command(name="release")
def release_account(account: AccountNumber, *, why: Why, data: Data = DATA) -> None:
    """Let an account be linked again after too many wrong tries."""
    from bots.link_commands import release_account as command  # noqa: PLC0415

    run(command(account, why=why, data=data))
