"""The closed list of what a job in Redis may be: one of a few names with one id; everything else is refused unread."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from bot.domain.errors import Refused
from bot.ports import Bell, JobName, Lane

FUNCTIONS: Mapping[str, JobName] = {f"bot.jobs.{job}": job for job in JobName}
"""The only function names that a job may carry. They are looked up here and never imported."""

ID = re.compile(r"[a-z]+-[0-9a-z]{26}")
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
PAYLOAD_BYTES = 1024
"""A payload is a name and an id: more than this is something else, and a small one can unpack to gigabytes."""

EMPTY_FIELDS = (
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
    "webhooks",
    "dependency_id",
    "dependency_ids",
    "group_id",
    "repeats_left",
    "repeat_intervals",
    "retries_left",
    "retry_intervals",
)
"""Fields by which a stock job calls further functions, addresses or jobs, or rings again; ours never carry them."""


_OURS = re.compile(r"(run|ntc)-[0-9a-z]{26}_[0-9a-f]{10}")
_JOB_OF = {"run": JobName.ADVANCE_RUN, "ntc": JobName.SEND_NOTICE}


def bell_in(job_id: str, lane: Lane) -> Bell | None:
    """The ring that an id of ours stands for, so that it can be answered before its fields are read; else None.

    Whoever can write such an id can ring as well, and a ring calls nothing but one of two jobs with one id."""
    found = _OURS.fullmatch(job_id)
    return Bell(_JOB_OF[found[1]], job_id.partition("_")[0], lane) if found else None


def function_name(job: JobName) -> str:
    """The name under which a job travels."""
    return f"bot.jobs.{job}"


def read_bell(fields: object, lane: Lane) -> Bell:
    """The ring that a job hash stands for; Refused, with the reason, for whatever is not exactly one of ours.

    `fields` is what the server answered: bytes by bytes, or its complaint that the job is not a hash."""
    if not isinstance(fields, Mapping):
        raise Refused("The job is not a hash")
    for name in EMPTY_FIELDS:
        if fields.get(name.encode()):
            raise Refused(f"The job carries {name}")
    call = _unpack(fields.get(b"data", b""))
    if not isinstance(call, list) or len(call) != 4:
        raise Refused("The payload is not a call")
    name, instance, args, kwargs = call
    job = FUNCTIONS.get(name) if isinstance(name, str) else None
    if job is None:
        raise Refused("The function is not on the closed list")
    if instance is not None or kwargs or not isinstance(args, list) or len(args) != 1:
        raise Refused("The call has anything but one id")
    if not isinstance(args[0], str) or ID.fullmatch(args[0]) is None:
        raise Refused("The id does not look like one")
    return Bell(job, args[0], lane)


def same_bell(read: Bell, known: Bell | None) -> Bell:
    """What was read; Refused where it is not what the job's id stood for."""
    if known is not None and read != known:
        raise Refused("The job says something else than its id")
    return read


def _unpack(data: bytes) -> Any:
    if len(data) > PAYLOAD_BYTES:
        raise Refused("The payload is too large")
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, PAYLOAD_BYTES)
        if not unpacker.eof:
            raise Refused("The payload is cut off or too large")
        return json.loads(plain.decode("utf-8"))
    except (zlib.error, ValueError, RecursionError) as error:
        raise Refused("The payload is not JSON") from error


class AndonJob(Job):
    """A job that can be stored, listed and failed like any other, but that never imports, calls or unpickles."""

    @classmethod
    def for_bell(cls, bell: Bell, job_id: str, *, connection: Any, failure_seconds: int) -> AndonJob:
        """The job of one ring. No result is kept, and there is no time limit: the steps of a run have their own."""
        job: AndonJob = cls.create(  # type: ignore[assignment]
            function_name(bell.job),
            args=[bell.id],
            connection=connection,
            result_ttl=0,
            failure_ttl=failure_seconds,
            status=JobStatus.QUEUED,
            description=f"{bell.job} {bell.id}",
            timeout=-1,
            id=job_id,
            origin=bell.lane.value,
            serializer=JSONSerializer,
        )
        return job

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take over only what our jobs have; Refused for anything else, before a byte of it is used."""
        origin = raw_data.get(b"origin", b"").decode("ascii", "replace")
        lane = Lane(origin) if origin in set(Lane) else Lane.OTHER
        bell = read_bell(raw_data, lane)
        self._instance, self._func_name, self._args, self._kwargs = None, function_name(bell.job), [bell.id], {}
        self.origin = origin
        self.description = f"{bell.job} {bell.id}"
        self.timeout, self.result_ttl = -1, 0
        status = raw_data.get(b"status", b"").decode("ascii", "replace")
        self._status = JobStatus(status) if status in {known.value for known in JobStatus} else JobStatus.CREATED

    @property
    def func(self) -> NoReturn:
        """Never: a name out of Redis is not imported."""
        raise Refused("A job names its function, it is not imported")

    def perform(self) -> NoReturn:
        """Never: the worker calls what its closed list says."""
        raise Refused("A job does not call anything by itself")

    @property
    def success_callback(self) -> None:
        """There are no callbacks."""

    @property
    def failure_callback(self) -> None:
        """There are no callbacks."""

    @property
    def stopped_callback(self) -> None:
        """There are no callbacks."""

    def execute_success_callback(self, *_: Any) -> None:
        """There are no callbacks."""

    def execute_failure_callback(self, *_: Any) -> None:
        """There are no callbacks."""

    def execute_stopped_callback(self, *_: Any) -> None:
        """There are no callbacks."""

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """There are no webhooks: an address out of Redis is never called."""


def job_of(job_id: str, lane_name: str, link: Redis) -> AndonJob:
    """The job of this id in a lane; nothing of it is read."""
    job = AndonJob(job_id, connection=link, serializer=JSONSerializer)
    job.origin = lane_name
    return job
