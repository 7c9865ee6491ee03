"""Whatever is posted to a webhook, the service stands: no 5xx, no turn that fails, no lane that is stuck."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.conforming import Bench
from tests.platforms import PLATFORMS, Fields, Platform

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Events of the log that a resident would suffer from.
SUFFERED: Final = {
    "turn.lost", "turn.failed", "turn.broken", "turn.closed", "batch.broken", "batch.gave_up", "send.failed",
}  # fmt: skip

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from(
        [0, -1, 2**31, 2**52, 2**53, 2**63 - 1, 1.5, 1e300, "", "0", "\x00", "\ud800", "-1", " "]
    ),
    st.text(max_size=40),
    st.just("ы" * 5000),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def _places(value: object, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in *value*."""
    inner: Sequence[tuple[Any, object]] = ()
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [place, *(each for name, part in inner for each in _places(part, (*place, name)))]


@st.composite
def _spoilt(draw: st.DrawFn, fields: Fields) -> object:
    """*fields* with some of what is in it gone, moved, or another."""
    whole: Any = {"whole": deepcopy(fields)}
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from(_places(whole)[1:]))
        holder = whole
        for name in way:
            holder = holder[name]
        if draw(st.integers(0, 3)) or not way:
            holder[last] = draw(_values)
        else:
            del holder[last]
    return whole["whole"]


@st.composite
def _torn(draw: st.DrawFn, body: bytes) -> bytes:
    """*body* cut off, or with bytes in it changed."""
    torn = bytearray(body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body)
    for at in draw(st.lists(st.integers(0, max(len(torn) - 1, 0)), max_size=4)) if torn else ():
        torn[at] = draw(st.integers(0, 255))
    return bytes(torn)


@st.composite
def _posted(draw: st.DrawFn, platform: Platform) -> bytes:
    fields = draw(st.sampled_from(list(platform.samples.values())))
    spoilt = draw(_spoilt(fields))
    if isinstance(spoilt, dict) and draw(st.integers(0, 4)):
        spoilt = platform.own(spoilt)
    body = json.dumps(spoilt).encode()
    return draw(_torn(body)) if draw(st.integers(0, 4)) == 0 else body


@pytest.mark.parametrize("name", PLATFORMS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
async def test_no_body_breaks_the_service(name: str, bench: Bench, data: st.DataObject) -> None:
    channel = bench.channel(name)
    bodies = data.draw(st.lists(_posted(channel.platform), min_size=4, max_size=12))
    with capture_logs() as logged:
        answers = await asyncio.gather(*(channel.post(channel.platform.proven(body)) for body in bodies))
        await channel.delivered(hurry=True)

    assert {status for status, _ in answers} <= channel.platform.fair
    assert not [line for line in logged if line["event"] in SUFFERED]


@pytest.mark.parametrize("name", PLATFORMS)
async def test_after_all_of_that_a_resident_is_answered(name: str, bench: Bench) -> None:
    await bench.channel(name).greeted()
