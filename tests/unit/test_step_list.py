"""The list of steps: complete, importing nothing, and open to other packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import playbooks.steps
from bot.domain.errors import ConfigError
from bot.plugins import ConditionField, RoleField, UrlField
from playbooks.steps import STEPS, list_steps, load_steps

FOLDER = Path(playbooks.steps.__file__).parent


def test_every_file_is_listed_under_its_own_name_and_no_other_is() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}

    assert set(STEPS) == files
    assert all(place.startswith(f"playbooks.steps.{name}:") for name, place in STEPS.items())


def test_listing_imports_no_step() -> None:
    code = (
        "import sys\n"
        "from playbooks.steps import list_steps\n"
        "assert len(list_steps()) >= 9\n"
        "loaded = [name for name in sys.modules if name.startswith('playbooks.steps.')]\n"
        "sys.exit(1 if loaded else 0)\n"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_loading_some_loads_only_those() -> None:
    assert list(load_steps(["pause"])) == ["pause"]


@pytest.mark.parametrize("name", sorted(STEPS))
def test_each_step_says_what_it_is_and_documents_every_parameter(name: str) -> None:
    step = load_steps([name])[name]
    page = (FOLDER.parents[1] / "docs" / "steps.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]

    assert step.name == name
    assert step.summary
    assert section, f"docs/steps.md has no section on {name}"
    for field, info in step.Params.model_fields.items():
        assert f"`{info.alias or field}`" in section, f"docs/steps.md does not explain {info.alias or field} of {name}"


def test_addresses_conditions_and_roles_are_marked() -> None:
    marks = {
        (name, info.alias or field): tuple(type(mark) for mark in info.metadata)
        for name, step in load_steps().items()
        for field, info in step.Params.model_fields.items()
    }

    assert UrlField in marks["http_request", "url"]
    assert UrlField in marks["wait_for_http", "url"]
    assert UrlField in marks["check_incumbent", "url"]
    assert ConditionField in marks["wait_for_metric", "condition"]
    assert ConditionField in marks["check_incumbent", "available"]
    assert RoleField in marks["ask_approval", "role"]


def test_an_unknown_step_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"known: .*http_request"):
        load_steps(["http_reqest"])


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which a package with an entry point can be installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("foreign_steps")]:
        del sys.modules[name]


def install(folder: Path, entry: str, code: str) -> None:
    (folder / "foreign_steps.py").write_text(code)
    info = folder / "foreign_steps-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-steps\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[andon.steps]\n{entry}\n")


GOOD = """
from bot.domain.outcomes import Outcome
from bot.plugins import StepParams
class Ring:
    name = "ring_bell"
    summary = "Ring"
    Params = StepParams
    def acts(self, raw): return True
    def plan(self, params): return ["ring"]
    def perform(self, params, ctx): return Outcome.done()
"""


def test_another_package_can_bring_a_step(foreign: Path) -> None:
    install(foreign, "ring_bell = foreign_steps:Ring", GOOD)

    assert list_steps()["ring_bell"] == "foreign_steps:Ring"
    assert load_steps(["ring_bell"])["ring_bell"].summary == "Ring"


@pytest.mark.parametrize(
    ("entry", "code", "why"),
    [
        ("pause = foreign_steps:Ring", GOOD, "Two steps are called 'pause'"),
        ("other = foreign_steps:Ring", GOOD, "calls itself 'ring_bell'"),
        ("ring_bell = foreign_steps:Missing", GOOD, "cannot be loaded from foreign_steps:Missing"),
        ("ring_bell = foreign_steps:Ring", "raise RuntimeError('broken')", "RuntimeError: broken"),
        ("ring_bell = foreign_steps:Ring", "class Ring: name = 'ring_bell'", "is no step"),
    ],
)
def test_a_foreign_step_that_does_not_fit_is_named(foreign: Path, entry: str, code: str, why: str) -> None:
    install(foreign, entry, code)
    with pytest.raises(ConfigError, match=why):
        load_steps()
