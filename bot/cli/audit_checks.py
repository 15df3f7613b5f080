"""The part of `andon doctor` about the audit trail: its key, its heads, and where those are sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from bot.cli.checks import Check
from bot.domain.audit_anchors import Anchor, AnchorKind, AnchorStatus, AnchorTarget
from bot.domain.errors import AndonError
from bot.domain.times import format_time

_UNSEALED = timedelta(minutes=1)


def audit_checks(app: Any) -> Iterator[Check]:
    """Whether heads are signed by a key that is known here, and whether anchors arrive."""
    from bot.wiring.outside import anchors_of, keyring

    if not app.store.schema_is_current():
        return
    try:
        known = keyring(app.settings).known()
        targets = anchors_of(app.settings)
    except AndonError as error:
        yield Check("audit", ok=False, found=str(error))
        return
    with app.store.read() as tx:
        head, last = tx.audit_head(), tx.last_anchors()
        oldest = tx.audit_waiting_since()
    yield from _head(app, head, known, oldest)
    if not targets:
        found = "warning: heads go nowhere but to the data folder and the database"
        yield Check("audit anchors", ok=True, found=found, mend="set ANDON_AUDIT_ANCHORS (docs/audit.md)")
    for target in targets:
        yield _anchor(target, last.get(target.name), app.settings.media)


def _head(app: Any, head: Any, known: Any, oldest: Any) -> Iterator[Check]:
    shared = app.settings.signing_key is not None or app.settings.is_embedded_database
    if not shared:
        found = "warning: each host signs the audit with a key of its own"
        mend = "give all processes one ANDON_SIGNING_KEY, or each the others' in ANDON_TRUSTED_KEYS"
        yield Check("audit key", ok=True, found=found, mend=mend)
    if oldest is not None and app.store.now() - oldest > _UNSEALED:
        # Without `andon up` the embedded Redis is away too, and nothing is to be expected.
        is_idle = app.settings.is_embedded_redis and not app.queue.ping()
        found = f"entries since {format_time(oldest)} are not chained"
        mend = "they are once `andon up` runs" if is_idle else "does `andon clock` run? Its log says why it cannot seal"
        yield Check("audit", ok=is_idle, found=found, mend=mend)
    if head is None:
        yield Check("audit", ok=True, found="no head is signed yet")
    elif head.key_id in known:
        yield Check("audit", ok=True, found=f"signed up to position {head.position} by key {head.key_id[:16]}")
    else:
        found = f"signed up to position {head.position} by key {head.key_id[:16]}, which is not known here"
        yield Check("audit", ok=False, found=found, mend="put its public key into ANDON_TRUSTED_KEYS")


def _anchor(target: AnchorTarget, last: Anchor | None, media: frozenset[str]) -> Check:
    name = f"audit anchor {target.name}"
    if target.kind in (AnchorKind.SLACK, AnchorKind.MAIL) and target.kind not in media:
        return Check(name, ok=False, found=f"{target.kind} is not set up", mend=f"see docs/{target.kind}.md")
    if last is None:
        return Check(name, ok=True, found="nothing was sent yet")
    at = format_time(last.at)
    if last.status is AnchorStatus.FAILED:
        return Check(name, ok=False, found=f"failed at {at}: {last.problem}", mend="it is tried again each interval")
    if last.status is AnchorStatus.SENDING:
        return Check(name, ok=False, found=f"begun at {at}, and whether it arrived is not known", mend="look there")
    return Check(name, ok=True, found=f"position {last.position} at {at}")
