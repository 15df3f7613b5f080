"""Configurations that tests write to disk: policies over the ledger, and playbooks that act on it in each way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

Tree = dict[str, Any]

ACT = {
    "method": "POST",
    "url": "{{ target.ledger }}/effects/{{ service }}",
    "json": {"to": "{{ release.incumbent }}"},
}
"""The call that each playbook makes; the ledger counts what it does under the name of the service."""

COUNT = {"url": "{{ target.ledger }}/effects/{{ service }}", "expect": {"status": 200, "condition": "body.count > 0"}}
"""A look whether the effect is there."""


class PlainDumper(yaml.SafeDumper):
    """Writes everything out: aliases are refused when a configuration is read."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never refer to what was written before."""
        return True


def acting(if_interrupted: str, **more: Any) -> Tree:
    """The step that acts."""
    step = {"id": "act", "use": "http_request", "with": ACT, "timeout": "8s", "if_interrupted": if_interrupted}
    return {**step, **more}


def playbook(name: str, *steps: Tree, **more: Any) -> Tree:
    """A playbook of these steps."""
    return {"playbook": name, "summary": f"Put the incumbent back ({name})", **more, "steps": list(steps)}


PROOF = {"id": "proof", "use": "http_request", "with": COUNT, "timeout": "8s", "tries": 5}

BY_KEY = playbook("by_key", acting("repeat", tries=5), PROOF)
"""Safe twice, because the deployer knows the idempotency key."""

BY_CHECK = playbook("by_check", acting("check", check={"use": "http_request", "with": COUNT}, tries=5), PROOF)
"""Looks first, because the deployer knows no keys."""

BY_PERSON = playbook("by_person", acting("ask"), PROOF)
"""Stops after an interruption: a person decides."""

WAYS = {"repeat": BY_KEY, "check": BY_CHECK, "ask": BY_PERSON}
"""By what they declare under `if_interrupted`."""


def policy(service: str, ledger: str, *, playbook: str = "by_key", authority: str = "automatic", **more: Any) -> Tree:
    """A policy whose one criterion is the alert `Divergence`."""
    criterion = {
        "name": "divergence",
        "when": 'alert.labels.alertname == "Divergence"',
        "playbook": playbook,
        "authority": authority,
        "within": "5m",
    }
    return {
        "service": service,
        "summary": f"What {service} does for people",
        "match": f'alert.labels.service == "{service}"',
        "environment": "alert.labels.environment",
        "severity": {"SEV-1": 'alert.labels.severity == "critical"'},
        "roles": {"rollback_authority": ["olga", "otto"], "endorser": ["olga"]},
        "audiences": {"engineering": {}},
        "release": {"incumbent": "41", "candidate": "42"},
        "rollback": [criterion],
        "cooldown": "30m",
        "targets": {"production": {"ledger": ledger, "allow_hosts": ["127.0.0.1"]}},
        **more,
    }


def write_config(
    folder: Path,
    policies: Iterable[Tree],
    playbooks: Iterable[Tree] = tuple(WAYS.values()),
    secrets: Mapping[str, str] | None = None,
) -> Path:
    """Write the files of a configuration, over whatever is there; the folder."""
    for kind, name, trees in (("policies", "service", policies), ("playbooks", "playbook", playbooks)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for tree in trees:
            text = yaml.dump(tree, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=200)
            (folder / kind / f"{tree[name]}.yaml").write_text(text, encoding="utf-8")
    if secrets:
        file = folder / "secrets.env"
        file.write_text("".join(f"{key}={value}\n" for key, value in secrets.items()), encoding="utf-8")
        file.chmod(0o600)
    return folder
