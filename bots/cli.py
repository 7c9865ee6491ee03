"""The command line of Kvitok."""


def main() -> None:
    """Run the command that was asked for."""
