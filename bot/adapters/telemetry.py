"""Structured logs: one JSON object a line, with the fields given and those bound to the work at hand."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_MOST = 2000


def set_up_logging(process: str, level: str = "INFO", redact: Callable[[str], str] = str) -> None:
    """Log to standard error as JSON. Every string is cut, cleaned of control characters and of secrets."""

    def clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("process", process)  # not by context variables: threads start without them
        return {
            key: redact(_CONTROL.sub("\ufffd", value)[:_MOST]) if isinstance(value, str) else value
            for key, value in event.items()
        }

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            clean,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=lambda *_: _StandardError(),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")


class _StandardError:
    """Writes lines to standard error as it is at that moment. A log that cannot be written stops no work."""

    def msg(self, message: str) -> None:
        """One line; lost where the disk is full or nobody listens any more."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(message + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = msg


def house_log() -> Callable[..., None]:
    """The log that the flow is given."""
    logger = structlog.get_logger("andon.flow")

    def log(message: str, /, **fields: Any) -> None:
        logger.info(message, **fields)

    return log
