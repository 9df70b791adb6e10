"""Logs: one line of keys and values per event on standard error, warnings and worse. Addresses with keys never get there."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(part: str) -> None:
    """For one process, once; `part` names it in every line."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=f"%(asctime)s {part} %(levelname)s %(name)s: %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _named(part),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "part", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _named(part: str) -> structlog.typing.Processor:
    def name(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["part"] = part
        return event

    return name
