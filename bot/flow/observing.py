"""Observations at the door: a batch is looked at quickly, stored raw in one commit with others, and rung for."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.canaries import ObservationBatch
from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError, BadInput, NotFound, Refused
from bot.domain.releases import Release, ReleaseStatus
from bot.evidence.observations import MOST_SENT
from bot.flow.situation import Situation
from bot.ports import Bell, Clock, Ids, JobName, Lane, Queue, Store, Transaction

MOST_AFTER_END = 100
"""Batches that are kept aside of a release that is over; later ones are only refused."""
LONGEST_KEY = 200

_GZIP = b"\x1f\x8b"
_FIRST = 256 * 1024
_TAKING = frozenset({ReleaseStatus.IN_FLIGHT, ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.HALTED})


@dataclass(frozen=True)
class Sent:
    """One batch on its way in. `release` is an id, or the name of a service: its newest release."""

    release: str
    key: str
    """Of the sender; the same again counts once."""
    content: bytes
    sha256: str
    media: str = "application/x-ndjson"
    encoding: str = ""
    """`gzip`, or empty."""
    lines: int | None = None
    """How many there are, where that can be told without unpacking."""


@dataclass(frozen=True)
class Taken:
    """The answer to a batch, after its commit."""

    batch: str
    release: str
    duplicate: bool = False
    lines: int | None = None


def look_at(release: str, content: bytes, *, key: str = "", media: str = "", encoding: str = "") -> Sent:
    """A batch as far as a quick look tells. BadInput where it surely is none: empty, too large, not NDJSON."""
    if not content:
        raise BadInput("The batch is empty", next="send one JSON object on each line")
    if len(content) > MOST_SENT:
        why = f"it has {len(content):,} bytes, {MOST_SENT:,} are allowed"
        raise BadInput("The batch is too large", why=why, next="send it in smaller batches")
    if len(key) > LONGEST_KEY:
        raise BadInput(f"The key of the batch is longer than {LONGEST_KEY} characters")
    encoding = _encoding(content, encoding)
    _check_first_line(content, encoding)
    digest = hashlib.sha256(content).hexdigest()
    lines = None if encoding else content.count(b"\n") + (not content.endswith(b"\n"))
    return Sent(release, key or digest, content, digest, media[:100] or "application/x-ndjson", encoding, lines)


def _encoding(content: bytes, said: str) -> str:
    """`gzip` or nothing: what the bytes are counts, whatever the header forgot."""
    said = said.strip().lower()
    if said not in ("", "identity", "gzip", "x-gzip"):
        raise BadInput("The batch has an encoding that is not known", next="send it with gzip, or with none")
    is_gzip = content.startswith(_GZIP)
    if said.endswith("gzip") and not is_gzip:
        raise BadInput("The batch is not gzip", why="its header says so, its bytes do not")
    return "gzip" if is_gzip else ""


def _check_first_line(content: bytes, encoding: str) -> None:
    start = content[:_FIRST]
    if encoding:
        try:
            start = zlib.decompressobj(wbits=31).decompress(content, _FIRST)
        except zlib.error as error:
            raise BadInput("The batch is not gzip", why="its bytes cannot be unpacked") from error
    line, end, _ = start.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    if not line:
        raise BadInput("The batch is empty", next="send one JSON object on each line")
    if not end and len(start) >= _FIRST:
        return  # one line longer than we look at: it is set aside when it is folded
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput("The first line of the batch is not JSON", next="send one JSON object on each line") from error
    if not isinstance(value, dict):
        raise BadInput("The first line of the batch is not an object", next="send one JSON object on each line")


class Observing:
    """Takes batches. What is answered as taken is stored; folding it comes later."""

    def __init__(
        self, *, store: Store, queue: Queue, clock: Clock, ids: Ids, current: Callable[[], Configuration]
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._current = current

    def take(
        self, sent: Sequence[Sent], ring: Callable[[Sequence[Bell]], object] | None = None
    ) -> list[Taken | AndonError]:
        """One answer for each batch, all in one commit. TryLater where it cannot be stored; then nothing is.

        An error among the answers is about that batch alone: NotFound for a release that there is not, Refused for
        one that takes none, or none any more.
        """
        now, configuration = self._clock.now(), self._current()
        with self._store.write() as tx:
            door = _Door(tx, configuration, now, self._ids)
            answers = [door.take(one) for one in sent]
        bells = [Bell(JobName.FOLD_CANARY, release_id, Lane.OTHER) for release_id in door.to_fold]
        (ring or self._queue.ring)(bells)
        return answers


class _Door:
    """The batches of one commit."""

    def __init__(self, tx: Transaction, configuration: Configuration, now: datetime, ids: Ids) -> None:
        self._tx = tx
        self._configuration = configuration
        self._now = now
        self._ids = ids
        self._releases: dict[str, Release | None] = {}
        self.to_fold: dict[str, None] = {}

    def take(self, sent: Sent) -> Taken | AndonError:
        """Store it, unless it is here already; the error where it is refused."""
        release = self._release(sent.release)
        if release is None:
            next_ = "`GET /api/v1/services/{service}` names the release that is on its way"
            return NotFound(f"No release {sent.release}", why="nothing of the batch was kept", next=next_)
        policy = self._configuration.policies.get(release.service)
        if policy is None or policy.canary is None:
            why = f"the policy of {release.service} has no `canary:`; nothing of the batch was kept"
            return Refused(f"Release {release.id} takes no observations", why=why)
        known = self._tx.batch_with(release.id, sent.key)
        if known is None and release.status in _TAKING:
            batch = self._keep(release, sent)
            if batch is not None:
                return Taken(batch, release.id, lines=sent.lines)
            known = self._tx.batch_with(release.id, sent.key)
        if known is None:
            return self._refuse(release, sent)
        if known[1] != sent.sha256:
            why = f"batch {known[0]} came with it, and its content is another"
            return Refused("This key was used before", why=why, next="give each batch a key of its own")
        return Taken(known[0], release.id, duplicate=True, lines=sent.lines)

    def _refuse(self, release: Release, sent: Sent) -> AndonError:
        """A release that is over: what still comes is kept aside for a while, and counts for nothing."""
        said = f"Release {release.id} is {str(release.status).replace('_', ' ')}"
        canary = self._tx.bare_canary(release.id)
        if canary is None or canary.standing.get("after_end", 0) >= MOST_AFTER_END:
            return Refused(said, why="it takes no observations any more; nothing of the batch was kept")
        batch = self._keep(release, sent)
        return Refused(
            said,
            why=f"it takes no observations any more; the batch is kept aside as {batch} and counts for nothing",
            next="stop sending, or send to the release that is on its way",
        )

    def _keep(self, release: Release, sent: Sent) -> str | None:
        """The id of the stored batch; None where one with its key came first."""
        batch = ObservationBatch(
            id=self._ids.new("obs"),
            release_id=release.id,
            key=sent.key,
            received_at=self._now,
            media=sent.media,
            encoding=sent.encoding,
            sha256=sent.sha256,
            content=sent.content,
        )
        if not self._tx.keep_batch(batch):
            return None
        self.to_fold[release.id] = None
        return batch.id

    def _release(self, name: str) -> Release | None:
        if name not in self._releases:
            self._releases[name] = self._tx.release(name) or self._newest_of(name)
        return self._releases[name]

    def _newest_of(self, service: str) -> Release | None:
        """The newest release of a service; the one that its policy names is made with the first batch."""
        policy = self._configuration.policies.get(service)
        if policy is None:
            return None
        situation = Situation(self._tx, self._tx.standing([service]), self._now, self._ids)
        release = situation.ensure_release(policy)
        situation.write_back()
        return release
