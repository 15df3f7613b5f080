"""An alert as `andon parse` prints it: the normalised fields as plain JSON values."""

from __future__ import annotations

from typing import Any

from bot.domain.events import Alert
from bot.domain.times import format_time


def alert_json(alert: Alert) -> dict[str, Any]:
    """The fields of the contract, in its order; times are RFC 3339 UTC with milliseconds, null where not stated."""
    return {
        "source": alert.source,
        "kind": alert.kind.value,
        "status": alert.status.value if alert.status else None,
        "severity": alert.severity,
        "title": alert.title,
        "fingerprint": alert.fingerprint,
        "group_key": alert.group_key,
        "starts_at": format_time(alert.starts_at) if alert.starts_at else None,
        "ends_at": format_time(alert.ends_at) if alert.ends_at else None,
        "link": alert.link,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "truncated": alert.truncated,
    }
