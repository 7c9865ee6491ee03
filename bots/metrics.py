"""What Prometheus may read of this process: counts and times as they come, and what waits in the database.

Names and labels are few and known beforehand: never a chat, an account or words of a platform. Counts are of
one process since its start; what is read from the database is the same in every process.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from core.messages import MessageClass
from storage.database import Pool
from storage.observing import Observed

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)

# What turns come to that operators are alarmed by (docs/operations.md), and the channel that events' turns are of.
ALARMED: Final = ("apologised", "closed", "busy")
EVENTS: Final = "event"

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# --- As they come ------------------------------------------------------------------------------------

TURNS: Final = Counter(
    "kvitok_turns",
    "Turns by what they came to: told, apologised, closed, repeated, dropped, busy.",
    ["channel", "outcome"],
    registry=REGISTRY,
)
TURN_SECONDS: Final = Histogram(
    "kvitok_turn_seconds",
    "From the arrival of a turn to its commit.",
    ["channel"],
    buckets=SECONDS,
    registry=REGISTRY,
)
BATCH_TURNS: Final = Histogram(
    "kvitok_batch_turns", "Turns in a committed batch.", buckets=SIZES, registry=REGISTRY
)
BATCH_SECONDS: Final = Histogram(
    "kvitok_batch_seconds", "From the start of a batch to its commit.", buckets=SECONDS, registry=REGISTRY
)
REPLY_SECONDS: Final = Histogram(
    "kvitok_reply_seconds",
    "From the queueing of a message to the platform's word that it has it.",
    ["channel", "message_class"],
    buckets=SECONDS,
    registry=REGISTRY,
)
DELIVERIES: Final = Counter(
    "kvitok_deliveries",
    "Tries to send a message, by the platform's answer.",
    ["channel", "message_class", "outcome"],
    registry=REGISTRY,
)
FAILURES: Final = Counter(
    "kvitok_failures",
    "What the log calls a warning or an error, by its event and the class of the error behind it.",
    ["level", "event", "error"],
    registry=REGISTRY,
)
PAYMENTS: Final = Counter(
    "kvitok_payment_verdicts",
    "What was made of acquirers' words about payments.",
    ["acquirer", "verdict"],
    registry=REGISTRY,
)


# Looking a series up costs more than counting: those of every turn and message are kept at hand.
_turns_of: Final = cache(TURNS.labels)
_turn_seconds_of: Final = cache(TURN_SECONDS.labels)
_deliveries_of: Final = cache(DELIVERIES.labels)
_reply_seconds_of: Final = cache(REPLY_SECONDS.labels)


def begin(channels: Iterable[str]) -> None:
    """Have the series of turns on *channels*, and of events, that are alarmed: a first one is no rise of a new series."""
    for channel in (*channels, EVENTS):
        for outcome in ALARMED:
            _turns_of(channel, outcome)


def turn_done(channel: str, outcome: str, took_s: float) -> None:
    """A turn ended so, that long after it arrived."""
    _turns_of(channel, outcome).inc()
    _turn_seconds_of(channel).observe(took_s)


def turn_left(channel: str, outcome: str) -> None:
    """An update was not run: too many wait, or the database is away."""
    _turns_of(channel, outcome).inc()


def batch_done(turns: int, took_s: float) -> None:
    """A batch of so many turns was committed."""
    BATCH_TURNS.observe(turns)
    BATCH_SECONDS.observe(took_s)


def tried(channel: str, message_class: MessageClass, outcome: str) -> None:
    """A platform was asked to take a message, and answered so."""
    _deliveries_of(channel, message_class.name.lower(), outcome).inc()


def sent(channel: str, message_class: MessageClass, took_s: float) -> None:
    """A platform took a message, that long after it was queued."""
    _reply_seconds_of(channel, message_class.name.lower()).observe(took_s)


def failed(level: str, event: str, error: str) -> None:
    """The log has a line of a *level* that somebody should look at."""
    FAILURES.labels(level, event, error).inc()


def payment_judged(acquirer: str, verdict: str) -> None:
    """The word of *acquirer* about a payment came to this."""
    PAYMENTS.labels(acquirer, verdict).inc()


# --- As they stand -----------------------------------------------------------------------------------


def exposed(pool: Pool, observed: Observed | None) -> bytes:
    """Everything in Prometheus' text format; *observed* None: the database did not answer."""
    return generate_latest(REGISTRY) + generate_latest(_standing(pool, observed))


def _standing(pool: Pool, observed: Observed | None) -> CollectorRegistry:
    """The gauges of this moment, in a registry of their own: what is over leaves no stale series behind."""
    here = CollectorRegistry()
    _gauge(here, "kvitok_database_up", "Whether the database answered.", [((), observed is not None)])
    connections = (("open", pool.get_size()), ("idle", pool.get_idle_size()), ("most", pool.get_max_size()))
    _gauge(
        here,
        "kvitok_database_connections",
        "Connections of this process's pool.",
        [((state,), number) for state, number in connections],
        "state",
    )
    if observed is not None:
        _add_observed(here, observed)
    return here


def _add_observed(here: CollectorRegistry, seen: Observed) -> None:
    """What stands in the database; none of it is known while that is away, and no zero is to stand for it."""
    lanes = [((each.channel, MessageClass(each.message_class).name.lower()), each) for each in seen.outbox]
    _gauge(
        here,
        "kvitok_outbox_messages",
        "Messages that are not at their end.",
        [(labels, each.messages) for labels, each in lanes],
        "channel",
        "message_class",
    )
    _gauge(
        here,
        "kvitok_outbox_oldest_seconds",
        "How long the oldest of them has waited.",
        [(labels, each.oldest_s) for labels, each in lanes],
        "channel",
        "message_class",
    )
    _gauge(
        here,
        "kvitok_channel_stopped",
        "Whether the platform refuses us and the channel's queue is held.",
        [((channel,), stopped) for channel, stopped in seen.stopped.items()],
        "channel",
    )
    _gauge(here, "kvitok_events_waiting", "Events whose turns have not run.", [((), seen.events)])
    _gauge(here, "kvitok_events_oldest_seconds", "The age of the oldest.", [((), seen.events_oldest_s)])
    _gauge(
        here,
        "kvitok_open_cases",
        "Cases that wait for staff; `dead_message` is a message that no platform takes.",
        [((kind,), number) for kind, number in seen.cases.items()],
        "kind",
    )
    _gauge(
        here,
        "kvitok_payments",
        "Payments through acquirers: those begun within a day and all that are open, by state.",
        [((state,), number) for state, number in seen.payments.items()],
        "state",
    )
    _add_proof(here, seen)


def _add_proof(here: CollectorRegistry, seen: Observed) -> None:
    """How the books stood when they were last proven; no series before the first proof."""
    proven = seen.proven
    for name, meaning, value in (
        ("kvitok_ledger_faults", "What the last proof of the books found.", proven and proven.faults),
        ("kvitok_ledger_proof_seconds", "How long it took.", proven and proven.took_s),
        ("kvitok_ledger_proof_age_seconds", "How long ago it began.", proven and proven.began_s_ago),
    ):
        _gauge(here, name, meaning, [((), value)] if value is not None else [])


def _gauge(
    registry: CollectorRegistry,
    name: str,
    meaning: str,
    values: Iterable[tuple[tuple[str, ...], Any]],
    *labels: str,
) -> None:
    gauge = Gauge(name, meaning, labels, registry=registry)
    for at, value in values:
        (gauge.labels(*at) if labels else gauge).set(float(value))
