"""CloudEvents 1.0 over HTTP: structured, batched and binary; one whose data is an alert in the house's shape is one.

https://github.com/cloudevents/spec: spec.md, formats/json-format.md, bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import unquote

from pydantic import ConfigDict, Field

from bot.domain.errors import BadInput
from bot.domain.events import Alert, EventKind
from bot.domain.strict_json import parse_json, storable
from handlers.house_alert import STATUSES, HouseAlert
from handlers.payloads import Moment, Payload, Text, as_text, fit, key_text, stated
from handlers.plain_source import PlainSource
from handlers.signatures import digest_of_parts

MAX_EVENTS = 1000

_BATCH = "application/cloudevents-batch+json"
_STRUCTURED = "application/cloudevents+json"
_EXTENSION = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_QUOTED_PAIR = re.compile(r"\\(.)")

# What kubewatch calls the objects whose change is a deployment: https://github.com/robusta-dev/kubewatch
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})

Required = Annotated[str, Field(min_length=1)]


class CloudEvent(Payload):
    """One event. Whatever else it carries is an extension attribute."""

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    id: Required
    source: Required
    type: Required
    subject: Text = None
    time: Moment = None
    datacontenttype: Text = None
    dataschema: Text = None
    data: Any = None
    data_base64: Text = None

    @property
    def content(self) -> Any:
        """The data as JSON values; None where it is none, or not JSON."""
        if self.data is not None or self.data_base64 is None or not _is_json(self.datacontenttype):
            return self.data
        try:
            return parse_json(base64.b64decode(self.data_base64, validate=True))
        except (BadInput, binascii.Error, ValueError):
            return None

    def as_alert(self, source: str) -> Alert:
        """An alert where the data claims to be one, which then must be right; else a `deploy` or `other`."""
        content = self.content
        if _claims_to_be_alert(content):
            return fit(HouseAlert, content).as_alert(source, happened_at=self.time)
        change = _workload_change(content)
        return Alert(
            source=source,
            kind=EventKind.DEPLOY if change else EventKind.OTHER,
            title=change or self.type,
            fingerprint=key_text(self.id),
            starts_at=self.time,
            labels=self._labels(),
        )

    def _labels(self) -> dict[str, str]:
        context = {"type": self.type, "source": self.source, "subject": self.subject}
        extensions = {
            name: as_text(value)
            for name, value in (self.model_extra or {}).items()
            if value is not None and _EXTENSION.fullmatch(name)
        }
        return {**extensions, **{name: value for name, value in context.items() if value}}


class CloudEvents(PlainSource):
    """Any sender of CloudEvents; in binary mode the event is in the `ce-` headers and the body is its data."""

    name: ClassVar[str] = "cloudevents"

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:
        """Each event on its own. BadInput for other versions, other formats than JSON, and empty batches."""
        return [event.as_alert(self.name) for event in _events(raw, headers)]

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:
        """Digest of each event's source and id, which together are unique; None where there is no event."""
        try:
            events = _events(raw, headers)
        except BadInput:
            return None
        return digest_of_parts(*(part for event in events for part in (event.source, event.id)))


def _events(raw: bytes, headers: Mapping[str, str]) -> list[CloudEvent]:
    media = _media_type(headers.get("content-type"))
    if media.startswith("application/cloudevents"):
        if media not in (_BATCH, _STRUCTURED):
            raise BadInput(f"CloudEvents come as {_STRUCTURED} or {_BATCH}", why=f"this is {media[:80]!r}")
    elif "ce-specversion" in headers:
        return [_binary(raw, headers)]
    body = parse_json(raw)
    # Recorded bodies come without their headers; then the body itself tells.
    if media == _BATCH or (media != _STRUCTURED and isinstance(body, list)):
        return _batch(body)
    return [fit(CloudEvent, body)]


def _batch(body: object) -> list[CloudEvent]:
    if not isinstance(body, list) or not 1 <= len(body) <= MAX_EVENTS:
        raise BadInput(f"A batch is a list of 1 to {MAX_EVENTS} events")
    return [fit(CloudEvent, one) for one in body]


def _binary(raw: bytes, headers: Mapping[str, str]) -> CloudEvent:
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): _header_text(value) for name, value in headers.items() if name.startswith("ce-")
    }
    content_type = headers.get("content-type")
    # `data` is no attribute: a header of that name must not stand in for the body.
    attributes.pop("data_base64", None)
    attributes.update(datacontenttype=content_type, data=_binary_data(raw, content_type))
    return fit(CloudEvent, attributes)


def _binary_data(raw: bytes, content_type: str | None) -> Any:
    return parse_json(raw) if raw and _is_json(content_type) else None


def _header_text(value: str) -> str:
    """HTTP binding 3.1.3.2: quotes come off first, then percent-encoded UTF-8 is decoded."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
    return storable(unquote(value, errors="replace"))


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _is_json(content_type: str | None) -> bool:
    media = _media_type(content_type)
    return not media or media.endswith(("/json", "+json"))


def _claims_to_be_alert(content: object) -> bool:
    """A title, and a status of ours or, without any status, another word that only an alert has."""
    if not isinstance(content, dict) or not isinstance(content.get("title"), str):
        return False
    status = content.get("status")
    if status is None:
        return any(word in content for word in ("severity", "fingerprint", "service", "labels"))
    return isinstance(status, str) and status.lower() in STATUSES


def _workload_change(content: object) -> str | None:
    """How kubewatch describes a change of a Kubernetes workload; None where the data is something else."""
    if not isinstance(content, dict) or str(content.get("kind")) not in _WORKLOADS or "operation" not in content:
        return None
    description = content.get("description")
    return stated(description) if isinstance(description, str) else None
