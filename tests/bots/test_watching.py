"""What operators' tools ask: are we ready, and how have we been doing."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from bots import metrics, schedule
from bots.clock import BusinessClock
from bots.simulator.surroundings import Surroundings
from bots.taking import Taken
from bots.turning import Outcome
from bots.watching import Watch
from bots.webhooks import Networks
from core.channel import Pace
from core.questions import OpenCase
from storage import cases, paces
from storage.database import Connection, Pool, connect, open_pool
from storage.observing import Observed, newest_revision
from tests.conftest import NOW, Database
from tests.talking import Talk

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "kvitok.json"
MANUAL = DASHBOARD.parents[1] / "operations.md"
# What the manual names besides: databases and roles.
NOT_MEASURES = ("kvitok_owner", "kvitok_app", "kvitok_reader", "kvitok_restored")
# The labels that Prometheus itself gives.
OF_ALL = frozenset({"job", "instance"})
PACE = Pace(rate=10, burst=10, chat_rate=1)
LOOPBACK = [ip_network("127.0.0.0/8")]


def now_clock() -> BusinessClock:
    clock = BusinessClock()
    clock.set(NOW)
    return clock


@asynccontextmanager
async def watched(
    pool: Pool, *channels: str, networks: Networks = LOOPBACK, trusted: Networks = ()
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    watch = Watch(pool, channels, now=now_clock(), trusted_proxies=trusted, networks=networks)
    app = web.Application()
    app.add_routes(watch.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def measured(client: TestClient[web.Request, web.Application]) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels."""
    answer = await client.get("/metrics")
    assert answer.status == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(await answer.text())
        for sample in family.samples
    }


# --- Readiness ---------------------------------------------------------------------------------------


async def test_a_migrated_database_and_open_channels_are_ready(pool: Pool, db: Connection) -> None:
    await paces.set_pace(db, "vk", PACE)

    async with watched(pool, "vk") as client:
        answer = await client.get("/readyz")

        assert answer.status == 200
        assert await answer.json() == {
            "ready": True,
            "database": "reached",
            "migrations": "applied",
            "channels": {"vk": "open"},
        }


async def test_a_stopped_channel_is_named_and_the_others_are_served(pool: Pool, db: Connection) -> None:
    for name in ("vk", "ok"):
        await paces.set_pace(db, name, PACE)
    await paces.stop(db, "vk", "the token was refused")

    async with watched(pool, "vk", "ok") as client:
        answer = await client.get("/readyz")
        found = await answer.text()

    assert answer.status == 200
    assert json.loads(found)["channels"] == {"vk": "stopped", "ok": "open"}
    assert "token" not in found


async def test_a_service_whose_every_channel_is_stopped_is_not_ready(pool: Pool, db: Connection) -> None:
    await paces.set_pace(db, "vk", PACE)
    await paces.stop(db, "vk", "the token was refused")

    async with watched(pool, "vk") as client:
        assert (await client.get("/readyz")).status == 503


async def test_a_database_that_was_not_migrated_is_not_ready(empty: Database) -> None:
    async with open_pool(empty.app) as pool, watched(pool) as client:
        answer = await client.get("/readyz")

        assert answer.status == 503
        assert (await answer.json())["migrations"] == "missing"


async def test_a_newer_schema_is_ready_for_the_release_before_it(database: Database) -> None:
    async with connect(database.owner) as owner:
        await owner.execute("update alembic_version set version_num = '2999_01_01'")

    async with open_pool(database.app) as pool, watched(pool) as client:
        assert (await client.get("/readyz")).status == 200


async def test_a_database_that_is_away_is_not_ready_and_its_measure_says_so(pool: Pool) -> None:
    async with watched(pool, "vk") as client:
        await pool.close()
        answer = await client.get("/readyz")

        assert answer.status == 503
        assert (await answer.json())["database"] == "away"
        assert (await measured(client))["kvitok_database_up",] == 0


async def test_no_zero_stands_for_what_is_not_known_while_the_database_is_away(pool: Pool) -> None:
    async with watched(pool, "vk") as client:
        reached = {name for name, *_ in await measured(client)}
        await pool.close()
        away = {name for name, *_ in await measured(client)}

    assert {"kvitok_events_waiting", "kvitok_events_oldest_seconds"} <= reached - away
    assert "kvitok_database_up" in away


def test_the_newest_revision_is_what_alembic_would_migrate_to() -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # what serves does without it

    from storage.migrating import configuration  # noqa: PLC0415  # as above

    assert newest_revision() == ScriptDirectory.from_config(configuration()).get_current_head()


# --- Measures ----------------------------------------------------------------------------------------


async def test_what_waits_is_measured_by_channel_and_class(pool: Pool, db: Connection) -> None:
    await db.execute(
        """
        with chat as (
          insert into chat (channel, private, created_at, last_seen_at)
          values ('vk', true, clock_timestamp(), clock_timestamp()) returning id
        )
        insert into outbox (chat_id, channel, message_class, state, queued_at)
        select id, 'vk', 0, state, clock_timestamp() - interval '90 seconds'
        from chat cross join unnest(array['queued', 'unknown', 'sent', 'dead']) as state
        """
    )
    await paces.set_pace(db, "vk", PACE)
    await paces.stop(db, "vk", "captcha")
    await cases.open_case(db, [OpenCase("dead_message", None, None, (), NOW)])

    async with watched(pool, "vk") as client:
        found = await measured(client)

    assert found["kvitok_outbox_messages", "vk", "reply"] == 2
    assert found["kvitok_outbox_oldest_seconds", "vk", "reply"] >= 90
    assert found["kvitok_channel_stopped", "vk"] == 1
    assert found["kvitok_open_cases", "dead_message"] == 1
    assert found["kvitok_database_up",] == 1


async def test_turns_that_are_alarmed_are_told_as_none_before_the_first(pool: Pool) -> None:
    async with watched(pool, "a new channel") as client:
        found = await measured(client)

    assert {found["kvitok_turns_total", "a new channel", outcome] for outcome in metrics.ALARMED} == {0}
    assert {("kvitok_turns_total", "event", outcome) for outcome in metrics.ALARMED} <= found.keys()


async def test_a_talk_is_counted_from_arrival_to_delivery(around: Surroundings, pool: Pool) -> None:
    async with aiohttp.ClientSession() as http:
        talk = Talk(around, pool, http, "vk")

        async def counted() -> dict[str, float]:
            async with http.get(f"{around.address}/metrics") as answer:
                text = await answer.text()
            families = text_string_to_metric_families(text)
            samples = [each for family in families for each in family.samples]
            return {
                each.name: sum(other.value for other in samples if other.name == each.name)
                for each in samples
                if each.labels.get("channel") in {"vk", None}
            }

        before = await counted()
        await talk.phone.do("start")
        assert await talk.phone.next() is not None
        after = await counted()

    for name in ("kvitok_turns_total", "kvitok_turn_seconds_count", "kvitok_batch_turns_count"):
        assert after[name] > before.get(name, 0), name


async def test_books_are_proven_once_a_day_and_how_long_it_took_is_measured(
    pool: Pool, db: Connection
) -> None:
    clock = now_clock()
    for _ in range(2):
        await schedule.prove(pool, clock)

    async with watched(pool) as client:
        found = await measured(client)

    assert await db.fetchval("select count(*) from proof") == 1
    assert found["kvitok_ledger_faults",] == 0
    assert found["kvitok_ledger_proof_seconds",] > 0


async def test_staff_hear_of_books_that_are_not_whole(database: Database) -> None:
    async with connect(database.superuser) as admin:
        await admin.execute("insert into seal values ('2026-01-01', 5, '\\x00', '\\x01', now())")

    async with open_pool(database.app) as pool:
        await schedule.prove(pool, now_clock())
        async with pool.acquire() as db:
            [case] = await cases.list_cases(db)

    assert case.kind == "books_not_whole"


# --- Who may read them -------------------------------------------------------------------------------


async def test_measures_are_given_to_named_networks_alone(pool: Pool) -> None:
    async with watched(pool, networks=[ip_network("10.0.0.0/8")]) as client:
        answer = await client.get("/metrics")
        nowhere = await client.get("/nowhere")

        assert (answer.status, await answer.read()) == (nowhere.status, await nowhere.read())


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
async def test_whoever_comes_through_an_unknown_proxy_is_not_taken_for_a_neighbour(
    pool: Pool, header: str
) -> None:
    async with watched(pool) as client:
        answer = await client.get("/metrics", headers={header: "127.0.0.1"})

        assert answer.status == 404


async def test_a_known_proxy_tells_who_reads_the_measures(pool: Pool) -> None:
    async with watched(pool, trusted=LOOPBACK, networks=[ip_network("10.0.0.0/8")]) as client:
        inside = await client.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"})
        outside = await client.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3, 93.184.216.34"})

        assert (inside.status, outside.status) == (200, 404)


# --- The dashboard and the alarms ---------------------------------------------------------------------


async def known(pool: Pool) -> set[str]:
    """The names of all that is measured."""
    async with watched(pool) as client:
        text = await (await client.get("/metrics")).text()
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        names |= {name + part for part in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def labels_known(pool: Pool) -> dict[str, set[str]]:
    """The labels of each series but for those that Prometheus gives to all."""
    registries = (metrics.REGISTRY, metrics._standing(pool, Observed()))
    return {
        name: {*getattr(collector, "_labelnames", ()), *(["le"] if name.endswith("_bucket") else [])}
        for registry in registries
        for name, collector in registry._names_to_collectors.items()
    }


def named_in(text: str) -> set[str]:
    return set(re.findall(r"\b(?:kvitok|process)_[a-z_]+[a-z]\b", text))


def board_queries() -> dict[str, str]:
    """What the dashboard asks, with the words of each series' legend."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    targets = [target for panel in board["panels"] for target in panel.get("targets", [])]
    return {target["expr"]: target["legendFormat"] for target in targets}


def alarms() -> list[str]:
    """The conditions of the manual's alarms."""
    _, _, after = MANUAL.read_text(encoding="utf-8").partition("\n## Alarms\n")
    rows = re.findall(r"^\| `(.*?)`", after.partition("\n## ")[0], re.MULTILINE)
    return [row.replace(r"\|", "|") for row in rows]


def wrong_labels(query: str, labels: dict[str, set[str]], legend: str = "") -> set[str]:
    """The labels in *query* that its series have not."""
    wrong = set()
    for name, selector in re.findall(r"\b((?:kvitok|process)_[a-z_]+)\{([^}]*)\}", query):
        wrong |= (
            set(re.findall(r"(\w+)\s*[!=]~?", re.sub(r'"[^"]*"', "", selector)))
            - OF_ALL
            - labels.get(name, set())
        )
    had = OF_ALL.union(*(labels.get(name, set()) for name in named_in(query)))
    for grouped in re.findall(r"\bby \(([^)]*)\)", query):
        wrong |= {each.strip() for each in grouped.split(",")} - had
    return wrong | (set(re.findall(r"\{\{(\w+)\}\}", legend)) - had)


async def test_the_dashboard_asks_for_nothing_that_is_not_measured(pool: Pool) -> None:
    queries = board_queries()
    labels = labels_known(pool)

    assert len(queries) > 10
    assert set().union(*map(named_in, queries)) <= await known(pool)
    assert {query for query, legend in queries.items() if wrong_labels(query, labels, legend)} == set()


def test_the_dashboard_shows_one_centre_at_a_time() -> None:
    of_all = [query for query in board_queries() if query.count('{job="$job"') != len(_series(query))]

    assert of_all == []


def _series(query: str) -> list[str]:
    """Each mention of a series of ours in *query*."""
    return re.findall(r"\b(?:kvitok|process)_[a-z_]+", query)


async def test_alarms_ask_for_what_is_measured_and_of_each_centre_by_itself(pool: Pool) -> None:
    labels = labels_known(pool)
    conditions = alarms()

    assert len(conditions) > 10
    assert set().union(*map(named_in, conditions)) <= await known(pool)
    assert {each for each in conditions if wrong_labels(each, labels)} == set()
    assert [each for each in conditions if not re.search(r"by \(job\b|\{job=", each)] == []


def test_each_outcome_of_turns_that_is_alarmed_has_its_series_from_the_start() -> None:
    asked = [re.findall(r'kvitok_turns_total\{outcome=~?"([^"]*)"', each) for each in alarms()]
    outcomes = {outcome for found in asked for each in found for outcome in each.split("|")}

    assert outcomes == set(metrics.ALARMED)
    assert outcomes <= {each.name.lower() for each in Outcome} | {each.value for each in Taken} | {"closed"}


def test_a_label_that_a_series_has_not_is_found() -> None:
    labels = {"kvitok_things": {"channel"}}

    assert wrong_labels('sum by (job, kind) (kvitok_things{chanel="kind=x"})', labels, "{{state}}") == {
        "kind",
        "chanel",
        "state",
    }


async def test_operators_read_of_all_that_is_measured_and_of_nothing_else(pool: Pool) -> None:
    told = {name for name in named_in(MANUAL.read_text(encoding="utf-8")) if name.startswith("kvitok_")}
    ours = {name for name in await known(pool) if name.startswith("kvitok_")}
    families = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in ours}

    assert {name for name in families if not name.endswith("_created")} <= told
    assert {name for name in told if not name.startswith(NOT_MEASURES)} <= ours | families
