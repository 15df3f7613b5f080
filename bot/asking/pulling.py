"""Pulls one piece of evidence: over HTTP, out of an object store, from Prometheus, or from the configuration."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.asking.answers import tells_nothing
from bot.domain.errors import BadInput, Refused, TryLater
from bot.domain.evidence_sources import EvidenceSource, HttpSource, PrometheusSource
from bot.domain.excerpts import excerpt, hidden, hidden_bytes, secrets_of
from bot.domain.web_addresses import shown_url
from bot.evidence.prometheus import NoData, Range, instant_url, range_url, read_data
from bot.gate_plugins import Fetched, GateFiles
from bot.plugins import Call, Reply, StepHttp

FOLDER = "evidence"
MOST_BYTES = 20 * 1024 * 1024
"""The longest piece that is pulled; larger ones are pushed."""
JSON, NDJSON, CSV, PARQUET = "application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"
_BY_ENDING = {"json": JSON, "ndjson": NDJSON, "jsonl": NDJSON, "csv": CSV, "parquet": PARQUET}
_BY_TYPE = {
    JSON: JSON,
    NDJSON: NDJSON,
    "application/jsonl": NDJSON,
    "application/jsonlines": NDJSON,
    "application/x-jsonlines": NDJSON,
    CSV: CSV,
    PARQUET: PARQUET,
    "application/x-parquet": PARQUET,
    "application/schema+json": "application/schema+json",
}


def pull(source: EvidenceSource, http: StepHttp, files: GateFiles, now: datetime, timeout: timedelta) -> Fetched:
    """The piece as it came, with where it came from (without secrets).

    TryLater where nobody answers for it, the server is busy or the asker is not let in. BadInput where what comes is
    no evidence: not found, cut, empty, a web page, a form that nobody knows, no answer of Prometheus. Refused for a
    host that is not allowed, a file that is not the pinned one, and a digest that does not fit. `now` is the end of a
    window; `timeout` bounds the whole.
    """
    if source.prometheus is not None:
        return _from_prometheus(source, source.prometheus, http, now, timeout)
    if source.file is not None:
        content = files.read(FOLDER, source.file)
        return _piece(source, content, source.file, "", f"{FOLDER}/{source.file}")
    by_http = source.http or source.object
    assert by_http is not None
    return _from_web(source, by_http, http, timeout)


def _from_web(source: EvidenceSource, place: HttpSource, http: StepHttp, timeout: timedelta) -> Fetched:
    shown, secrets = shown_url(place.url), secrets_of(place.headers)
    reply = http.request(Call("GET", place.url, place.headers, timeout=timeout, max_bytes=MOST_BYTES))
    _refuse_no_answer(source, reply, shown, secrets)
    if place.sha256 is not None and f"sha256:{hashlib.sha256(reply.raw).hexdigest()}" != place.sha256:
        raise Refused(
            f"Evidence {source.name} from {shown} is not the one that was named",
            why="its digest differs",
            next="let the policy name the digest of what is there, if it is right",
        )
    content = hidden_bytes(reply.raw, secrets)
    path = urlsplit(place.url).path
    return _piece(source, content, path, reply.headers.get("content-type", ""), shown)


def _refuse_no_answer(source: EvidenceSource, reply: Reply, shown: str, secrets: tuple[str, ...]) -> None:
    what = f"Evidence {source.name} cannot be fetched from {shown}"
    if reply.status is None:
        raise TryLater(what, why=hidden(reply.error, secrets))
    said = hidden(f"status {reply.status}: {excerpt(reply.text)}".rstrip(": "), secrets)
    if tells_nothing(reply.status):
        raise TryLater(what, why=said)
    if reply.status != 200:
        raise BadInput(what, why=said)
    if reply.error:
        raise BadInput(what, why=reply.error, next="push it with `andon evidence push`")


def _piece(source: EvidenceSource, content: bytes, path: str, content_type: str, shown: str) -> Fetched:
    if not content.strip():
        raise BadInput(f"Evidence {source.name} from {shown} is empty")
    if len(content) > MOST_BYTES:
        raise BadInput(f"Evidence {source.name} from {shown} is too long", why=f"{MOST_BYTES} bytes at most")
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise BadInput(
            f"Evidence {source.name} from {shown} is a web page",
            next="look whether the address asks for a login first",
        )
    media = source.media or _BY_TYPE.get(kind) or _BY_ENDING.get(path.rpartition(".")[2].lower())
    if media is None:
        raise BadInput(
            f"Nobody says what evidence {source.name} from {shown} is",
            why=f"its type is {excerpt(kind, 60) or 'not given'}",
            next=f"name it with `media`: {JSON}, {NDJSON}, {CSV} or {PARQUET}",
        )
    return Fetched(source.name, media, content, shown)


def _from_prometheus(
    source: EvidenceSource, place: PrometheusSource, http: StepHttp, now: datetime, timeout: timedelta
) -> Fetched:
    """The answer as it came: `{"status": "success", "data": {"resultType", "result"}}`."""
    if place.window is None:
        url = instant_url(place.prometheus, place.query, place.max_age)
    else:
        window = Range.ending(now, place.window, place.step)
        url = range_url(place.prometheus, place.query, window, place.max_age)
    reply = http.request(Call("GET", url, place.headers, timeout=timeout, max_bytes=MOST_BYTES))
    shown, secrets = shown_url(place.prometheus), secrets_of(place.headers)
    what = f"Evidence {source.name} cannot be fetched from {shown}"
    if reply.status is None or tells_nothing(reply.status):
        raise TryLater(what, why=hidden(reply.error or f"status {reply.status}: {excerpt(reply.text)}", secrets))
    try:
        data = read_data(reply.status, reply.body, reply.text, reply.error)
    except NoData as error:
        raise BadInput(what, why=hidden(str(error), secrets)) from None
    if not data.get("result"):
        raise BadInput(what, why="the query gives nothing")
    return Fetched(source.name, JSON, hidden_bytes(reply.raw, secrets), f"{shown} `{excerpt(place.query, 400)}`")
