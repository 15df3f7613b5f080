"""Unified diffs are applied exactly or not at all; git agrees with every one that is taken."""

from __future__ import annotations

import subprocess
from difflib import unified_diff
from pathlib import Path
from random import Random

import pytest

from bot.domain.errors import BadInput
from bot.domain.unified_diffs import parse_diff

NAME = "policies/fraud-model.yaml"
TEXT = "service: fraud-model\nmatch: a\ncooldown: 30m\n\nroles:\n  champion: [ada]\n"


def diff_of(before: str, after: str, name: str = NAME, context: int = 3) -> str:
    made = ""
    lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}", n=context)
    for line in lines:
        made += line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
    return made


def applied(diff: str, before: str) -> str:
    (change,) = parse_diff(diff)
    return change.applied(before)


def changed(rng: Random, text: str) -> str:
    lines = text.split("\n")
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(lines)) if lines else 0
        lines = lines or [""]
        match rng.randrange(3):
            case 0:
                lines[at] = rng.choice(["", "  x: 1", "\ty", "- @@ -1 +1 @@", "+++ b/policies/x.yaml", "--- x", "é漢"])
            case 1:
                lines.insert(at, rng.choice(["", "new: line", "- a", "+ b", "\\ No newline at end of file"]))
            case _:
                del lines[at]
    return "\n".join(lines)


def some_text(rng: Random) -> str:
    lines = [
        rng.choice(["", "a: 1", "  - b", "--- c", "+++ d", "@@", "same", "same"]) for _ in range(rng.randrange(12))
    ]
    return "\n".join(lines) + rng.choice(["", "\n"])


def test_what_difflib_makes_is_applied_back_whatever_the_text(rng: Random) -> None:
    for _ in range(600):
        before = some_text(rng)
        after = changed(rng, before)
        if before == after:
            continue
        assert applied(diff_of(before, after, context=rng.randrange(4)), before) == after


def test_git_applies_what_is_taken_to_the_same_text(rng: Random, tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.parent.mkdir(parents=True)
    for number in range(40):
        before = some_text(rng)
        after = changed(rng, before)
        if before in (after, ""):
            continue
        diff = diff_of(before, after)
        file.write_text(before, encoding="utf-8", newline="")
        patch = tmp_path / f"{number}.patch"
        patch.write_text(diff, encoding="utf-8", newline="")
        done = subprocess.run(["git", "apply", str(patch)], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        text = file.read_text("utf-8") if file.exists() else ""
        assert text == applied(diff, before)


def test_a_diff_with_the_headers_of_git_and_a_pasted_one_with_other_line_breaks_are_read() -> None:
    diff = diff_of(TEXT, TEXT.replace("30m", "45m"))
    git = f"diff --git a/{NAME} b/{NAME}\nindex 123..456 100644\n{diff}"
    for one in (git, diff.replace("\n", "\r\n"), diff.rstrip("\n")):
        assert applied(one, TEXT) == TEXT.replace("30m", "45m")


def test_a_new_file_is_made_and_several_files_are_changed_at_once() -> None:
    new = "--- /dev/null\n+++ b/playbooks/fresh.yaml\n@@ -0,0 +1,2 @@\n+playbook: fresh\n+steps: []\n"
    made, other = parse_diff(new + diff_of(TEXT, TEXT.replace("30m", "1h")))
    assert (made.path, made.is_new, made.applied("")) == ("playbooks/fresh.yaml", True, "playbook: fresh\nsteps: []\n")
    assert (other.path, other.is_new) == (NAME, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [("30m\n", "31m\n"), ("match: a\n", "match: a \n"), ("service:", "\nservice:"), ("\n\nroles", "\nroles")],
)
def test_the_slightest_difference_from_the_text_in_force_is_refused(old: str, new: str) -> None:
    diff = diff_of(TEXT, TEXT.replace("cooldown: 30m", "cooldown: 45m"))
    with pytest.raises(BadInput, match="does not apply to policies/fraud-model"):
        applied(diff, TEXT.replace(old, new))


@pytest.mark.parametrize(
    ("diff", "why"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("hello", "line 1: a line '--- path'"),
        (f"--- {NAME}\nx", "line 1: a line '--- path'"),
        (f"--- {NAME}\n+++ {NAME}\n", "nothing is changed"),
        (f"--- {NAME}\n+++ {NAME}\n@@ 1 @@\n", "no hunk header"),
        (f"--- {NAME}\n+++ {NAME}\n@@ -1 +1 @@\n-a\n", "ends before all the lines"),
        (f"--- {NAME}\n+++ {NAME}\n@@ -1 +1 @@\n-a\n-b\n+c\n", "more lines than its header"),
        (f"--- {NAME}\n+++ {NAME}\n@@ -1 +1 @@\n a\n", "changes nothing"),
        (f"--- {NAME}\n+++ {NAME}\n@@ -1 +1 @@\n-a\n+b\nstray\n", "line 6: a line '--- path'"),
        (f"--- {NAME}\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "would be deleted"),
        ("--- policies/a.yaml\n+++ policies/b.yaml\n@@ -1 +1 @@\n-a\n+b\n", "are not the same file"),
        ("--- policies/../../x.yaml\n+++ policies/../../x.yaml\n@@ -1 +1 @@\n-a\n+b\n", "is neither policies/"),
        ("--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "is neither policies/"),
        ("--- scripts/x.sh\n+++ scripts/x.sh\n@@ -1 +1 @@\n-a\n+b\n", "is neither policies/"),
    ],
)
def test_what_is_no_diff_of_policies_is_refused_with_its_line(diff: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_diff(diff)
    assert why in str(caught.value)


def test_one_file_twice_and_too_many_files_are_refused() -> None:
    one = diff_of(TEXT, TEXT.replace("30m", "45m"))
    with pytest.raises(BadInput, match="one file twice"):
        parse_diff(one + one)
    many = "".join(diff_of(TEXT, TEXT.replace("30m", "45m"), f"policies/s{number}.yaml") for number in range(6))
    with pytest.raises(BadInput, match="changes 6 files"):
        parse_diff(many)
