"""The commands about the centre's bank account."""

from __future__ import annotations

from typing import Annotated

import typer

from bots.cli_options import CONFIG, DATA, Config, Data, run

bank_app = typer.Typer(help="The bank account: money and payments that wait.")


@bank_app.command(name="waiting")
def show_waiting(*, config: Config = CONFIG, data: Data = DATA) -> None:
    """List money whose payments are not known, and payments whose money has not arrived.

    Status 1 if any is late: after 2 working days, and after 5.
    """
    from bots.bank_commands import show_waiting as command  # noqa: PLC0415

    run(command(config=config, data=data))


@bank_app.command(name="match")
def match_transfer(
    number: Annotated[int, typer.Argument(metavar="N", help="The transfer, as `bank waiting` numbers it.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Registers' orders or days that it brought.")
    ] = None,
    *,
    config: Config = CONFIG,
    data: Data = DATA,
) -> None:
    """Say which payments a transfer brought; the rest of them is what was kept.

    Without a NAME: payments that were settled before statements were loaded.
    """
    from bots.bank_commands import match_transfer as command  # noqa: PLC0415

    run(command(number, names or [], config=config, data=data))
