"""Writes heads of the audit trail to files and to addresses of the web, such as those of an object store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from bot.adapters.audit_heads import append_line
from bot.domain.audit_anchors import AnchorKind, AnchorTarget
from bot.domain.audit_trail import SignedHead
from bot.domain.errors import StepFailed, TryLater
from bot.plugins import Call
from bot.ports import Http


class AnchorPlaces:
    """`put` appends one line to a file and has it on disk, or replaces what is at an address (PUT)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def put(self, target: AnchorTarget, head: SignedHead) -> None:
        """StepFailed or TryLater where it was not taken; what they say holds no key of an address."""
        if target.kind is AnchorKind.FILE:
            _append(Path(target.address), head)
        else:
            self._upload(target, head)

    def _upload(self, target: AnchorTarget, head: SignedHead) -> None:
        url = target.address.replace("{position}", str(head.position))
        host = urlsplit(url).hostname or ""
        reply = self._http.request(Call("PUT", url, text=f"{head.line}\n"), allow_hosts=[host])
        if reply.status is None:
            raise TryLater(f"{target.name} does not answer", why=reply.error)
        if not 200 <= reply.status < 300:
            raise StepFailed(f"{target.name} does not take the head", why=f"it answers with {reply.status}")


def _append(path: Path, head: SignedHead) -> None:
    try:
        append_line(path, head.line)
    except OSError as error:
        raise StepFailed(f"{path} cannot be written to", why=error.strerror or type(error).__name__) from error
