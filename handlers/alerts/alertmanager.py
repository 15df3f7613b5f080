"""Prometheus Alertmanager: groups of alerts by its webhook receiver, which has no signature of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bot.domain.events import Alert
from handlers.groups import AlertGroup
from handlers.payloads import read
from handlers.plain_source import PlainSource


class Alertmanager(PlainSource):
    """`webhook_config` bodies, version 4; older ones without fingerprints or `truncatedAlerts` too."""

    name: ClassVar[str] = "alertmanager"

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """Every alert of the group on its own; BadInput for anything but a group with alerts in it."""
        return read(AlertGroup, raw).as_alerts(self.name)
