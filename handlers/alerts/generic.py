"""Generic: for scripts and senders without a source of their own, in the shape that the contract gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bot.domain.events import Alert
from handlers.house_alert import HouseAlert
from handlers.payloads import read
from handlers.plain_source import PlainSource


class Generic(PlainSource):
    """`{"title", "status", "fingerprint", "service", "severity", "labels", "annotations", "starts_at", "link"}`."""

    name: ClassVar[str] = "generic"

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """The one alert of the body; BadInput names the field that is not as the shape says."""
        return [read(HouseAlert, raw).as_alert(self.name)]
