"""Documents made into bytes with Typst, in process: the bill as PDF, the payment QR and charts as PNG.

Pure: the same value gives the same bytes. Fonts come with packages, and nothing is looked up in the system.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

import typst

from adapters.bill_form import bill_form
from adapters.chart_form import chart_form
from adapters.qr import payment_string, svg
from core.channel import RenderedFile
from core.documents import BillSheet, ChartSheet, QrSheet, Sheet
from core.errors import KvitokError
from core.wording import day_name, money

Form: TypeAlias = Mapping[str, Any]
# A point of a picture is so many dots: 360pt wide charts come out at 1080 dots.
CHART_DOTS_PER_INCH: Final = 216.0
QR_DOTS_PER_INCH: Final = 144.0


class FontMissingError(KvitokError):
    """The package that brings the font of documents is not installed."""


def rendered(sheet: Sheet) -> RenderedFile:
    """*sheet* as the file that is sent or printed. Raises UnwritableQrError for requisites that do not fit."""
    match sheet:
        case BillSheet(period=period, number=number):
            name = f"kvitanciya-{period}.pdf" if sheet.paper is None else f"{number}-{period}.pdf"
            made_at = datetime.combine(sheet.counted_until, time(), UTC)
            return _file(name, "application/pdf", _pdf("bill", bill_form(sheet), made_at))
        case QrSheet():
            body = _png("qr", _qr_form(sheet), QR_DOTS_PER_INCH)
            return _file("qr-oplata.png", "image/png", body)
        case ChartSheet():
            body = _png("chart", chart_form(sheet), CHART_DOTS_PER_INCH)
            return _file("grafiki.png", "image/png", body)


def _file(name: str, media_type: str, body: bytes) -> RenderedFile:
    return RenderedFile(name, media_type, body, hashlib.sha256(body).hexdigest())


def _qr_form(sheet: QrSheet) -> Form:
    code = svg(payment_string(sheet.order))
    side = code.partition('viewBox="0 0 ')[2].partition(" ")[0]
    return {
        "code": code,
        "side": int(side),
        "amount": money(sheet.order.due),
        "account": f"Лицевой счёт {sheet.masked_number}",
        "day": f"к оплате на {day_name(sheet.on, 'ru')}",
    }


# --- Typst -----------------------------------------------------------------------------------------


def _pdf(template: str, form: Form, made_at: datetime) -> bytes:
    return _compiled(template, form, format="pdf", timestamp=made_at)


def _png(template: str, form: Form, dots_per_inch: float) -> bytes:
    return _compiled(template, form, format="png", ppi=dots_per_inch)


def _compiled(template: str, form: Form, **how: Any) -> bytes:
    inputs = {"data": json.dumps(form, ensure_ascii=False)}
    made = _compiler().compile(_template(template), sys_inputs=inputs, **how)
    if not isinstance(made, bytes):
        raise TypeError(f"template {template!r} gives more than one picture")
    return made


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    """The compiler of this process, with its fonts read once."""
    return typst.Compiler(font_paths=_fonts())


@lru_cache(maxsize=8)
def _template(name: str) -> bytes:
    return (resources.files("adapters") / "templates" / f"{name}.typ").read_bytes()


def _fonts() -> typst.Fonts:
    found = find_spec("font_roboto")
    if found is None or not found.submodule_search_locations:
        raise FontMissingError("the font of documents is missing: the package font-roboto is not installed")
    folder = Path(found.submodule_search_locations[0]) / "files"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
