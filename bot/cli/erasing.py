"""The command that takes a person out of every record."""

from __future__ import annotations

import argparse

from bot.cli.session import actor_of, complain, confirmed, program, show
from bot.cli.showing import table
from bot.domain.erasures import Erased, Erasure, ids_of, pseudonym_of
from bot.domain.errors import Refused
from bot.domain.events import Role

_NAMED = b"andon pseudonym\n"


def erase(args: argparse.Namespace) -> int:
    """Shows what would be changed, asks, does it in one transaction, and says what is left."""
    from bot.flow.result_records import result_digest
    from bot.wiring.outside import keyring

    with program(args) as app:
        actor = actor_of(app)
        if actor.role is not Role.ADMIN:
            raise Refused("Only an admin may erase a person", next="set ANDON_TOKEN to the secret of one")
        ids = ids_of(args.person, args.also, app.configuration.current.policies.values())
        secret = keyring(app.settings).own().sign(_NAMED)
        erasure = Erasure(ids, pseudonym_of(args.person, secret), actor.name, args.reason)
        now = app.clock.now()
        found = app.store.erase(erasure, now, result_digest, dry=True)
        if not args.dry_run:
            if not confirmed(f"Erase {', '.join(ids)} from {sum(found.rows.values())} rows, for good?", args):
                return 1
            found = app.store.erase(erasure, now, result_digest, dry=False)
    _show(args, erasure, found)
    return 0 if found.is_compact else 1


def _show(args: argparse.Namespace, erasure: Erasure, found: Erased) -> None:
    if args.json:
        more = {"rows": dict(found.rows), "files": list(found.files), "is_compact": found.is_compact}
        show({"pseudonym": found.pseudonym, "ids": list(erasure.ids), "dry_run": args.dry_run, **more})
    else:
        did = "would become" if args.dry_run else "became"
        show(f"{', '.join(erasure.ids)} {did} {found.pseudonym}")
        table(("table", "rows"), sorted(found.rows.items()))
    for digest in found.files:
        complain(f"kept file {digest} names them and is left as it is: verdicts and releases rest on its digest")
    if not found.is_compact:
        complain("somebody else used the database, so what it had freed may still be readable: erase once more")
