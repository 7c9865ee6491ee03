"""Logs: events with facts, a line each; never a token, a name, a number of an account, or what was written."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs(*, pretty: bool, level: int = logging.INFO) -> None:
    """Log from *level* on to standard error: JSON lines, or *pretty* ones for a person at a terminal."""
    exceptions: structlog.typing.Processor = structlog.processors.format_exc_info
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    if not pretty:
        # Where and of what kind, but not the values at hand: they are residents' data.
        exceptions = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            exceptions,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
