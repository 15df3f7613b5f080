"""Files that people attach to an incident as evidence: each is kept once, under the digest of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictStr, ValidationError

from bot.domain.errors import BadInput
from bot.domain.fields import Part
from bot.domain.strict_json import storable

MOST_BYTES = 5 * 1024 * 1024
MOST_FILES = 20
"""Of one incident."""

_NAME = Annotated[StrictStr, Field(min_length=1, max_length=200), AfterValidator(storable)]


class AttachedFile(Part):
    """What a report says of a file; the content is kept elsewhere under `sha256`."""

    name: _NAME
    sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
    size: int = Field(ge=0, le=MOST_BYTES)
    """Bytes."""


@dataclass(frozen=True)
class KeptFile:
    """The content of a file as it came in."""

    sha256: str
    size: int
    content: bytes
    at: datetime


def kept_file(content: bytes, at: datetime) -> KeptFile:
    """A file with its digest. BadInput where it is empty or larger than 5 MiB."""
    if not content:
        raise BadInput("The file is empty", next="nothing was kept")
    if len(content) > MOST_BYTES:
        raise BadInput(f"The file is larger than {MOST_BYTES // 1024**2} MiB", next="give a link to it as evidence")
    return KeptFile(hashlib.sha256(content).hexdigest(), len(content), content, at)


def attached_as(name: str, file: KeptFile) -> dict[str, Any]:
    """What an order says of a file that is kept: only the last part of a path, without control characters."""
    last = "".join(one for one in name.replace("\\", "/").rpartition("/")[2] if one.isprintable()).strip()
    return {"name": last[:200] or "file", "sha256": file.sha256, "size": file.size}


def read_attached(found: object) -> list[dict[str, Any]]:
    """The files that an order attaches, as plain JSON. BadInput where they are not described as they must be."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise BadInput("The files of a report are a list")
    try:
        return [AttachedFile.model_validate(one).model_dump(mode="json") for one in found]
    except ValidationError as error:
        raise BadInput("An attached file cannot be used", why=error.errors()[0]["msg"]) from None


def with_files(had: Iterable[Mapping[str, Any]], more: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All of them, each content once, in the order in which they came. BadInput above 20."""
    files: dict[str, dict[str, Any]] = {}
    for one in (*had, *more):
        files.setdefault(str(one["sha256"]), dict(one))
    if len(files) > MOST_FILES:
        raise BadInput(f"An incident has {MOST_FILES} attached files at most", next="give a link to them as evidence")
    return list(files.values())
