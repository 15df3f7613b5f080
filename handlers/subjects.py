"""What words in chat are about: a service, an incident or a run, as named, or as the place tells."""

from __future__ import annotations

import re
from difflib import get_close_matches

from bot.domain.chat import ActiveRun, OpenIncident, Said
from bot.domain.errors import BadInput, NotFound

_INCIDENT = re.compile(r"inc-[a-z0-9]{3,40}", re.IGNORECASE)
_RUN = re.compile(r"run-[a-z0-9]{3,40}", re.IGNORECASE)
_FILE = re.compile(r"https://[^\s/]+\.slack\.com/files/[^\s/]+/(F[A-Z0-9]{2,20})\b\S*")
_MOST = 5


def service_meant(said: Said) -> tuple[str, str]:
    """The service, and the words after it. BadInput where it has to be named, with the nearest names."""
    if said.first in said.services:
        return said.first, said.rest
    if not is_like_a_service(said.first, said):
        if said.here is not None:
            return said.here.service, said.words
        if len(said.services) == 1:
            return said.services[0], said.words
    raise _no_service(said)


def is_like_a_service(word: str, said: Said) -> bool:
    """A name that is none of ours: mistyped, or of something that is not protected. It must never mean another one."""
    if not word or word in said.services:
        return False
    if get_close_matches(word, said.services, n=1, cutoff=0.75):
        return True
    parts = word.replace("_", "-").split("-")
    return len(parts) > 1 and all(part.isalnum() for part in parts) and word == word.lower() and not word[0].isdigit()


def file_meant(text: str) -> str | None:
    """The id of the file in Slack that the first link to one leads to."""
    found = _FILE.search(text)
    return found[1] if found else None


def incident_meant(said: Said) -> tuple[OpenIncident, str]:
    """The incident, and the words after it. BadInput where it has to be named, with those there are."""
    if _INCIDENT.fullmatch(said.first):
        name = said.first.lower()
        known = next((one for one in said.incidents if one.id == name), None)
        return known or OpenIncident(name, "", ""), said.rest
    if said.first in said.services:
        return _only([one for one in said.incidents if one.service == said.first], said), said.rest
    if get_close_matches(said.first, said.services, n=1, cutoff=0.8):
        raise _no_service(said)
    if said.here is not None:
        return said.here, said.words
    return _only(list(said.incidents), said), said.words


def run_meant(said: Said, *, waiting: bool) -> tuple[str, ActiveRun | None, str]:
    """The id of a run, the run where it is going on, and the words after it.

    `waiting`: only those that wait for an approval are meant where none is named."""
    if _RUN.fullmatch(said.first):
        name = said.first.lower()
        return name, next((one for one in said.runs if one.id == name), None), said.rest
    meant = [one for one in said.runs if one.waits_for_approval or not waiting]
    words = said.words
    if said.first in said.services:
        meant, words = [one for one in meant if one.service == said.first], said.rest
    elif said.here is not None and any(one.service == said.here.service for one in meant):
        here = said.here
        meant = [one for one in meant if (one.service, one.environment) == (here.service, here.environment)]
    if len(meant) == 1:
        return meant[0].id, meant[0], words
    raise _no_run(meant, waiting=waiting)


def listed(runs: list[ActiveRun] | tuple[ActiveRun, ...]) -> str:
    """Runs in one line."""
    return "; ".join(f"{one.id} ({one.playbook}, {one.service})" for one in runs[:_MOST])


def _no_run(meant: list[ActiveRun], *, waiting: bool) -> BadInput:
    what = "waits for an approval" if waiting else "is going on"
    if not meant:
        return NotFound(f"No run {what} here", next="`/andon status` shows what there is")
    return BadInput("Which run?", why=f"more than one {what}", next=f"name one of: {listed(meant)}")


def _only(found: list[OpenIncident], said: Said) -> OpenIncident:
    if len(found) == 1:
        return found[0]
    if not found:
        of = f" of {said.first}" if said.first in said.services else ""
        raise NotFound(f"No incident{of} is open", next="`/halt-release` opens one, and so does an alert")
    names = "; ".join(f"{one.service} ({one.id}: {one.title[:60]})" for one in found[:_MOST])
    raise BadInput("Which incident?", why=f"{len(found)} are open", next=f"begin with one of: {names}")


def _no_service(said: Said) -> BadInput:
    if not said.services:
        return NotFound("Nothing is protected yet", next="`andon init` writes an example of a policy")
    known = ", ".join(said.services[:10])
    if not said.first:
        return BadInput("Which service?", next=f"begin with one of: {known}")
    close = get_close_matches(said.first, said.services, n=3, cutoff=0.5)
    nearest = f"did you mean {' or '.join(close)}?" if close else f"known: {known}"
    return NotFound(f"No service is called {said.first[:60]!r}", next=nearest)
