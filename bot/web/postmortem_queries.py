"""Reads of postmortems for the API and the pages."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bot.adapters.postmortem_papers import PostmortemPapers
from bot.adapters.shipped import shipped_folder
from bot.domain.errors import NotFound
from bot.domain.postmortems import PostmortemState
from bot.flow.postmortem_shapes import PostmortemView
from bot.flow.postmortem_views import line_view, patch_of, postmortem_view
from bot.web.head import Head
from bot.web.orders import named
from bot.web.queries import Page


class PostmortemQueries:
    """NotFound where a record does not exist; TryLater without a database."""

    def __init__(self, head: Head) -> None:
        self._head = head
        folders = [head.settings.config / "templates", shipped_folder("templates")]
        self._papers = PostmortemPapers(folders, head.secrets.redact)

    def one(self, incident_id: str) -> PostmortemView:
        """The account of an incident; where nobody has begun one, its draft."""
        with self._head.store.read() as tx:
            found = tx.incident(named(incident_id, "incident"))
            if found is None:
                raise NotFound(f"No incident {incident_id}", next="the list of incidents shows those there are")
            policy = self._head.configuration.current.policies.get(found.service)
            return postmortem_view(tx, found, policy, self._head.settings.address, self._head.clock.now())

    def some(self, page: Page, service: str | None, state: PostmortemState | None) -> dict[str, object]:
        """Newest incident first."""
        now = self._head.clock.now()
        with self._head.store.read() as tx:
            found = tx.postmortems(limit=page.limit + 1, before=page.before, service=service, state=state)
        return page.cut(found, lambda one: one.incident_id, lambda one: line_view(one, now))

    def markdown(self, incident_id: str) -> str:
        """As a file."""
        return self._papers.markdown(self.one(incident_id)["draft"])

    def html(self, incident_id: str) -> str:
        """As a file that opens by itself."""
        return self._papers.html(self.one(incident_id)["draft"])

    def parts(self, view: PostmortemView) -> list[tuple[str, Markup]]:
        """As a page shows it, section by section."""
        return self._papers.parts(view["draft"])

    def patch(self, incident_id: str, lesson_id: str) -> str:
        """The change that a lesson proposes."""
        with self._head.store.read() as tx:
            return patch_of(tx, named(incident_id, "incident"), named(lesson_id, "lesson"))


def lines_of_diff(diff: str) -> list[dict[str, Any]]:
    """A diff line by line with what each is: `file`, `hunk`, `added`, `removed`, `same`."""
    return [{"text": line, "kind": _kind(line)} for line in diff.splitlines()]


def _kind(line: str) -> str:
    if line.startswith(("--- ", "+++ ", "diff ", "index ")):
        return "file"
    if line.startswith("@@"):
        return "hunk"
    return {"+": "added", "-": "removed"}.get(line[:1], "same")
