"""One step of a playbook as a person does it: a command for bash, what has to come of it, its check and its undo."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.errors import AndonError
from bot.domain.paper import Block, Commands, Mono, prose
from bot.domain.playbooks import ActionSpec, StepSpec
from bot.domain.shell_words import Marks, Unwritable
from bot.plugins import ByHand, Call, DoneByHand, Step

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_ENDS = "\n  "
_SCRIPT = re.compile(r"[a-z0-9_][a-z0-9_.-]*")


class Marking(Protocol):
    """Fills templates with marks in the place of secrets."""

    def fill_marked(self, value: Any, facts: Mapping[str, Any], mark: Callable[[str], str]) -> Any:
        """The value filled, with `mark(NAME)` for each secret. StepFailed where a name is unknown."""
        ...


@dataclass(frozen=True)
class Manual:
    """Turns steps into commands; `folder` is the configuration folder, where reviewed scripts are."""

    steps: Mapping[str, Step]
    expressions: Marking
    marks: Marks
    folder: str

    def blocks(self, step: StepSpec, facts: Mapping[str, Any]) -> Iterator[Block]:
        """What to do, then how to look whether it is done, then how to take it back."""
        seconds = max(1, round(step.timeout.total_seconds()))
        yield from self._action(step, step.id, facts, seconds)
        if step.check is not None:
            yield prose("Whether it is done:")
            yield from self._action(step.check, step.id, facts, seconds)
        if step.undo is not None:
            yield prose("To take it back:")
            yield from self._action(step.undo, f"{step.id}-undo", facts, seconds)

    def secrets(self, step: StepSpec, facts: Mapping[str, Any]) -> set[str]:
        """The names of the secrets that its commands need."""
        found: set[str] = set()
        for action in filter(None, (step, step.check, step.undo)):
            try:
                filled = self.expressions.fill_marked(dict(action.with_), facts, self.marks)
            except AndonError:
                continue
            found |= set(self.marks.names_in(json.dumps(filled, default=str)))
        return found

    def _action(self, action: ActionSpec, key: str, facts: Mapping[str, Any], seconds: int) -> Iterator[Block]:
        try:
            verb = self.steps[action.use]
            filled = self.expressions.fill_marked(dict(action.with_), facts, self.marks)
            params = verb.Params.model_validate(filled)
            made = list(self._done(verb, params, key, seconds))
        except (AndonError, ValueError, KeyError) as error:
            yield from self._unknown(action, error)
            return
        yield from made

    def _done(self, verb: Step, params: Any, key: str, seconds: int) -> Iterator[Block]:
        if not isinstance(verb, DoneByHand):
            for line in verb.plan(params):
                yield prose("Do this yourself: ", Mono(self.marks.shown(line)))
            return
        for deed in verb.by_hand(params):
            yield Commands(self._command(deed, key, seconds))
            if deed.expect:
                yield prose("Expect: ", Mono(self.marks.shown(deed.expect)))

    def _unknown(self, action: ActionSpec, error: Exception) -> Iterator[Block]:
        """Something is only known while a run is under way: the playbook's own words have to do."""
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        shown = self.marks.shown(why) if isinstance(error, Unwritable) or self.marks.nonce not in why.lower() else ""
        beforehand = Mono(shown or "a value is not known")
        yield prose("This cannot be written out beforehand (", beforehand, "). The playbook says:")
        words = json.dumps({"use": action.use, "with": action.with_}, indent=2, default=str)
        yield Commands("\n".join(f"# {line}" for line in words.splitlines()))

    def command(self, call: Call, key: str) -> str:
        """One call of nobody's step. Unwritable where it cannot be written down."""
        return self._curl(call, key, 10)

    def _command(self, deed: ByHand, key: str, seconds: int) -> str:
        return self._curl(deed.call, key, seconds) if deed.call is not None else self._script(deed, key)

    def _curl(self, call: Call, key: str, seconds: int) -> str:
        quoted = self.marks.quoted
        method = "--head" if call.method == "HEAD" else f"--request {quoted(call.method)}"
        lines = [f"curl --silent --show-error --globoff --proto '=http,https' --max-time {seconds} {method}"]
        lines.append(f"--url {quoted(call.url)}")
        lines += [f"--header {quoted(line)}" for line in _headers(call)]
        lines.append(f'--header "Idempotency-Key: $RUN:"{quoted(key)}')
        body = _body(call)
        if body is not None:
            lines.append(f"--data-raw {quoted(body)}")
        lines.append(r"--write-out '\nstatus %{http_code}\n'")
        return f" \\{_ENDS}".join(lines)

    def _script(self, deed: ByHand, key: str) -> str:
        if not _SCRIPT.fullmatch(deed.script):
            raise Unwritable("this is no name of a script")
        quoted = self.marks.quoted
        variables = [f"{name}={quoted(value)}" for name, value in sorted(deed.variables.items())]
        ours = [f'ANDON_RUN="$RUN" ANDON_STEP={quoted(key)} ANDON_IDEMPOTENCY_KEY="$RUN:"{quoted(key)}']
        words = [f"./scripts/{deed.script}", *(quoted(word) for word in deed.words)]
        return f"(cd {quoted(self.folder)} && {' '.join([*variables, *ours, *words])})"


def _headers(call: Call) -> Iterator[str]:
    """As Andon would send them; Unwritable where it would not."""
    names = {name.lower() for name in call.headers}
    if call.json is not None and "content-type" not in names:
        yield "Content-Type: application/json"
    elif call.text is not None and "content-type" not in names:
        yield "Content-Type: text/plain; charset=utf-8"
    for name, value in call.headers.items():
        if not _TOKEN.fullmatch(name) or any((one < " " and one != "\t") or one == "\x7f" for one in value):
            raise Unwritable("a header has a name or a value that cannot be sent")
        if name.lower() != "idempotency-key":
            yield f"{name}: {value}" if value else f"{name};"


def _body(call: Call) -> str | None:
    if call.json is not None:
        return json.dumps(call.json, allow_nan=False, separators=(",", ":"))
    return call.text
