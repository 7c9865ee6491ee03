"""The plan in docs/scaling.md is what its figures come to."""

from pathlib import Path

from benchmarks.scaling_plan import lines

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"


def test_the_plans_table_is_what_its_figures_come_to() -> None:
    written = DOCUMENT.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines() if line not in written] == []
