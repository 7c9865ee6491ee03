"""Writing the declared tables out as the initial revision: `python -m storage.migrations.freeze`."""

from pathlib import Path
from typing import Final

from storage.migrating import MIGRATIONS, declared

INITIAL: Final = MIGRATIONS / "versions" / "2026_11_24_initial_schema.py"

FROZEN: Final = '''"""Create every table of the first release."""

from alembic import op

revision = "2026_11_24"
down_revision = None

STATEMENTS = (
{statements}
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
'''


def freeze(revision: Path = INITIAL) -> None:
    """Replace what the revision reads from the tables by what they say today."""
    revision.write_text(FROZEN.format(statements="\n".join(map(_as_literal, declared()))))


def _as_literal(statement: str) -> str:
    escaped = statement.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = "\n".join(line.replace("\t", "    ").rstrip() for line in escaped.splitlines())
    return f'    """\n{lines}\n""",'


if __name__ == "__main__":
    freeze()
