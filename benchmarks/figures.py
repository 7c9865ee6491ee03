"""What was measured: figures of repeated rounds, printed, kept in results.json, drawn."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from storage.embedded_home import ServerUser, find_binaries

RESULTS: Final = Path(__file__).parent / "results" / "results.json"
PLOT: Final = RESULTS.with_suffix(".svg")
LIBRARIES: Final = ("aiohttp", "aiogram", "asyncpg", "uvloop", "msgspec", "SQLAlchemy")


class Figure(msgspec.Struct, frozen=True):
    """Something measured in *unit*, a value a round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)


class Part(msgspec.Struct, frozen=True):
    """What a part of the bench came to; *notes* are what figures cannot say: plans, goals met and not."""

    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


def ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """How many times *second* the *first* is: the median over rounds that were taken side by side.

    The speed of a machine that is shared changes from one minute to the next, and then for both.
    """
    return statistics.median(one / other for one, other in zip(first, second, strict=True))


def goal(what: str, value: float, least: float | None = None, most: float | None = None) -> str:
    """Whether *value* is as it should be, in words."""
    wanted = f"≥ {least:g}" if least is not None else f"≤ {most:g}"
    met = value >= least if least is not None else value <= (most or 0.0)
    return f"{what}: {value:.2f} (goal {wanted}): {'met' if met else 'NOT MET'}"


def show(out: Console, name: str, part: Part) -> None:
    """Print *part*."""
    table = Table("", "median", "least", "most", "unit", title=name, title_justify="left")
    for each in part.figures:
        table.add_row(
            each.name, *(_short(x) for x in (each.median, min(each.values), max(each.values))), each.unit
        )
    out.print(table)
    for note in part.notes:
        out.print(note, markup=False, highlight=False)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def keep(name: str, part: Part) -> None:
    """Put *part* into results.json in the place of what it came to before, and draw the plot anew."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    parts = kept.get("parts", {})
    parts[name] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": [
            {
                "name": each.name,
                "unit": each.unit,
                "median": _rounded(each.median),
                "least": _rounded(min(each.values)),
                "most": _rounded(max(each.values)),
                "rounds": len(each.values),
            }
            for each in part.figures
        ],
        "notes": list(part.notes),
    }
    content = {"versions": versions(), "parts": dict(sorted(parts.items()))}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    PLOT.write_text(plot(content["parts"]), encoding="utf-8")


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def machine() -> dict[str, Any]:
    """What this was measured on; *load_before* says how busy others kept it."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in cpu.splitlines() if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "processor": models[0] if models else platform.machine(),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """What of each library and of PostgreSQL was measured."""
    postgres = str(find_binaries(ServerUser()) / "postgres")
    said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False).stdout
    found = {name: version(name) for name in LIBRARIES}
    return {"Python": platform.python_version(), "PostgreSQL": said.strip().rpartition(" ")[2], **found}


# --- The plot ---------------------------------------------------------------------------------------

WIDTH: Final = 860
LABEL: Final = 330
BAR: Final = 22
DRAWN: Final = {
    "end-to-end": "messages/s",
    "channels": "messages/s",
    "workers": "messages/s",
    "growth": "messages/s",
}


def plot(parts: Mapping[str, Any]) -> str:
    """The rates as bars, an SVG of their medians; a thin line spans the least and the most."""
    drawn = [
        (f"{part}: {each['name']}", each)
        for part, unit in DRAWN.items()
        for each in parts.get(part, {}).get("figures", ())
        if each["unit"] == unit
    ]
    most = max((each["most"] for _, each in drawn), default=1)
    scale = (WIDTH - LABEL - 90) / most
    rows = []
    for place, (label, each) in enumerate(drawn):
        top = 8 + place * (BAR + 8)
        middle = top + BAR / 2
        length = each["median"] * scale
        low, high = LABEL + each["least"] * scale, LABEL + each["most"] * scale
        rows += [
            f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{label}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{length:.0f}" height="{BAR}" fill="#2b6cb0"/>',
            f'<path d="M{low:.0f} {middle}H{high:.0f}" stroke="#1a202c" stroke-width="2"/>',
            f'<text x="{max(high, LABEL + length) + 6:.0f}" y="{middle + 4}">{each["median"]:,.0f}/s</text>',
        ]
    height = 16 + len(drawn) * (BAR + 8)
    style = "<style>text{font:13px sans-serif;fill:#1a202c}</style>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">{style}'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *rows, "</svg>", ""])
