"""Makes every decision of a bundle again, from the alert that it judged, by the policy that was in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.domain.decisions import Decision, Verdict, alert_of
from bot.domain.errors import AndonError
from bot.domain.judging import decide
from bot.domain.policies import Policy
from bot.domain.policy_versions import digest_of
from bot.flow.bundle_lines import REDACTED
from bot.flow.bundle_reading import Told
from bot.flow.findings import Finding, Same
from bot.flow.past_knowledge import PastKnowledge

ReadPolicy = Callable[[str, str, bytes], Policy]
"""The policy of a service, out of the digest and the bytes of its text. ConfigError where it cannot be read."""
_REPEATED = (Verdict.DUPLICATE, Verdict.STALE)


@dataclass(frozen=True)
class DecisionsAgain:
    """One bundle."""

    told: Told
    read_policy: ReadPolicy

    def findings(self) -> Iterator[Finding]:
        """One for each decision about an alert; what people ordered is not decided by any rule."""
        past = PastKnowledge(self.told)
        for number, decision in enumerate(self.told.decisions):
            if decision.alert:
                yield self._finding(number, decision, past)

    def _finding(self, number: int, decision: Decision, past: PastKnowledge) -> Finding:
        if problem := self._against_the_trail(decision):
            return _found(decision, "", Same.DIFFERS, problem)
        if decision.policy_digest is None:
            return self._repeated(number, decision)
        raw = self.told.policy_text(decision.policy_digest)
        about = self.told.policies.get(decision.policy_digest, {})
        if raw is None:
            return _found(decision, "", Same.NOT_TOLD, "the policy that decided is not in the bundle")
        if digest_of(raw) != decision.policy_digest:
            same = Same.NOT_TOLD if about.get(REDACTED) else Same.DIFFERS
            return _found(decision, "", same, "the text of the policy is not the one that this digest was made of")
        try:
            policy = self.read_policy(decision.service or "", decision.policy_digest, raw)
            again = decide(alert_of(decision.alert), policy, past.at(number))
        except (AndonError, KeyError, TypeError, ValueError) as error:
            why = str(error) if isinstance(error, AndonError) else f"the alert cannot be read ({type(error).__name__})"
            return _found(decision, "", Same.NOT_TOLD, why)
        return self._compared(decision, again)

    def _compared(self, decision: Decision, again: Decision) -> Finding:
        differing = [name for name in _COMPARED if _said(decision, name) != _said(again, name)]
        if not differing:
            return _found(decision, _in_words(again), Same.SAME)
        if decision.id in self.told.marked:
            return _found(decision, _in_words(again), Same.NOT_TOLD, "a secret was taken out of what it judged")
        return _found(decision, _in_words(again), Same.DIFFERS, f"another {' and '.join(differing)}: {again.reason}")

    def _against_the_trail(self, decision: Decision) -> str:
        """The audit trail has the verdict too, in a row that is chained."""
        rows = [one for one in self.told.audit if one.data.get("decision") == decision.id]
        known = {one.action.removeprefix("decision.") for one in rows if one.action.startswith("decision.")}
        if known and str(decision.verdict) not in known:
            return f"the audit trail says {', '.join(sorted(known))}"
        return ""

    def _repeated(self, number: int, decision: Decision) -> Finding:
        """A repetition is told by what was seen before, by no policy."""
        if decision.verdict not in _REPEATED:
            return _found(decision, "", Same.NOT_TOLD, "it does not say by which policy it was made")
        key = _identity(decision)
        if any(_identity(one) == key for one in self.told.decisions[:number]):
            return _found(decision, str(decision.verdict), Same.SAME)
        return _found(decision, "", Same.NOT_TOLD, "what it repeats came in before this record begins")


_COMPARED = ("verdict", "environment", "severity", "criterion", "playbook", "authority", "trace")


def _said(decision: Decision, name: str) -> object:
    if name == "trace":
        return [(one.criterion, one.truth) for one in decision.trace]
    value = getattr(decision, name)
    return None if value is None else str(value)


def _identity(decision: Decision) -> tuple[object, ...]:
    alert = decision.alert
    return tuple(alert.get(name) for name in ("source", "fingerprint", "status", "starts_at"))


def _in_words(decision: Decision) -> str:
    by = f" by {decision.criterion}" if decision.criterion else ""
    return f"{decision.verdict}{by}"


def _found(decision: Decision, again: str, same: Same, why: str = "") -> Finding:
    about = str(decision.alert.get("title") or dict(decision.alert.get("labels") or {}).get("alertname") or "an alert")
    return Finding("decision", decision.id, about, _in_words(decision), again, same, why)
