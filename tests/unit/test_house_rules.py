"""The rules of the house that no other tool checks, and proof that the import rules catch what breaks them."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ("bot", "handlers", "playbooks")
EVERYWHERE = (*HOUSE, "benchmarks", "clients", "examples", "requirements", "tests")
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "misc", "shared", "stuff"}

LONGEST_FILE = 300
LONGEST_TEST_FILE = 500
LONGEST_FUNCTION = 40
LONGER_FILES = {
    "clients/andon_observations.py": 340,  # one file, because it is copied into other people's code
    "bot/transactions.py": 340,  # only signatures: what a unit of work can do, on one page
}


def modules(*folders: str) -> list[Path]:
    """The Python files of these folders, as paths from the root of the checkout."""
    found = [path.relative_to(ROOT) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return found


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"), str(path))


def test_every_module_opens_with_a_sentence_that_says_what_it_is_for() -> None:
    silent = [
        str(path)
        for path in modules(*EVERYWHERE)
        if not re.match(r"\s*\S.*[.:]$", (ast.get_docstring(tree_of(path)) or "").partition("\n")[0])
    ]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = [str(path) for path in modules(*EVERYWHERE) if {path.stem, *path.parts[:-1]} & NAMES_OF_NOTHING]
    assert vague == []


def test_no_file_is_longer_than_the_house_allows() -> None:
    long = []
    for path in modules(*EVERYWHERE):
        lines = (ROOT / path).read_text("utf-8").count("\n")
        normal = LONGEST_TEST_FILE if path.parts[0] == "tests" else LONGEST_FILE
        if lines > LONGER_FILES.get(str(path), normal):
            long.append(f"{path}: {lines} lines")
    assert long == []


def test_the_list_of_longer_files_names_only_files_that_need_it() -> None:
    for name in LONGER_FILES:
        assert (ROOT / name).read_text("utf-8").count("\n") > LONGEST_FILE, name


def test_no_function_is_longer_than_the_house_allows() -> None:
    long = []
    for path in modules(*HOUSE, "requirements"):
        if "versions" in path.parts:
            continue  # a migration is a list of columns, and never changed again
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_only_one_file_reads_the_environment() -> None:
    """Handing an environment to a child is another thing than asking it for settings."""
    pattern = re.compile(r"""environ(?:\.get\(|\[)\s*["']ANDON_|getenv\(\s*["']ANDON_""")
    readers = [str(path) for path in modules(*HOUSE) if pattern.search((ROOT / path).read_text("utf-8"))]
    assert [name for name in readers if name != "bot/settings.py"] == []


def test_importing_a_module_starts_nothing() -> None:
    """At module level stand definitions, constants and imports: no loop, no `with`, no bare call but the usual few."""
    allowed = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    allowed += (ast.Assign, ast.AnnAssign, ast.If)
    acting = []
    for path in modules(*HOUSE):
        for node in tree_of(path).body:
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not is_text and not isinstance(node, allowed):
                acting.append(f"{path}:{node.lineno} {ast.unparse(node)[:60]}")
    # These two are started by being imported or run: the first by Alembic, the second by `python -m bot`.
    assert [line for line in acting if not line.startswith(("bot/adapters/migrations/env.py", "bot/__main__.py"))] == []


PLUGINS = [
    pytest.param("handlers/alerts", "handlers.alerts", "SOURCES", "docs/sources.md", id="sources"),
    pytest.param("handlers/notes", "handlers.notes", "NOTES", "docs/meetings-notes.md", id="notes"),
    pytest.param("playbooks/steps", "playbooks.steps", "STEPS", "docs/steps.md", id="steps"),
]


@pytest.mark.parametrize(("folder", "module", "listing", "page"), PLUGINS)
def test_every_plug_in_is_listed_and_documented(folder: str, module: str, listing: str, page: str) -> None:
    files = {path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("_")}
    listed = getattr(importlib.import_module(module), listing)
    # STEPS maps names to places, SOURCES lists places; a place is `module:attribute`, a module is named as its plug-in.
    names = set(listed) if isinstance(listed, dict) else {place.split(":")[0].rpartition(".")[2] for place in listed}
    assert files
    assert names == files
    text = (ROOT / page).read_text("utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_every_page_that_a_page_links_to_exists() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


# Import rules. One copy of the tree gets every breach; each must be reported under the rule that it breaks.

BREACHES = [
    ("bot/domain/breach_a.py", "import bot.flow", "One direction"),
    ("bot/domain/breach_b.py", "import bot.ports", "One direction"),
    ("handlers/breach_c.py", "import bot.adapters", "One direction"),
    ("bot/flow/breach_d.py", "import bot.adapters", "One direction"),
    ("bot/adapters/breach_e.py", "import bot.app", "One direction"),
    ("bot/adapters/breach_f.py", "import bot.settings", "One direction"),
    ("bot/domain/breach_g.py", "import sqlalchemy", "Only adapters"),
    ("bot/flow/breach_h.py", "import httpx", "Only adapters"),
    ("playbooks/steps/breach_i.py", "import subprocess", "Only adapters"),
    ("handlers/alerts/breach_j.py", "import time", "Only adapters"),
    ("playbooks/steps/breach_k.py", "import bot.ports", "Handlers only translate"),
    ("handlers/alerts/breach_l.py", "import handlers.alerts.alertmanager", "Plug-ins do not know"),
    ("handlers/commands/breach_m.py", "import handlers.commands.status", "Plug-ins do not know"),
    ("bot/slack/breach_n.py", "import bot.web", "One direction"),
    ("bot/asking/breach_o.py", "import httpx", "Only adapters"),
    ("bot/asking/breach_p.py", "import bot.ports", "One direction"),
    ("bot/asking/breach_q.py", "import bot.gates", "One direction"),
    ("handlers/notes/breach_m.py", "import handlers.notes.plain", "Plug-ins do not know"),
]


def lint_imports(folder: Path) -> tuple[int, str]:
    """Exit code and words of import-linter about the tree in a folder."""
    judged = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return judged.returncode, judged.stdout + judged.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the house that may be broken."""
    for name in HOUSE:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_keeps_its_import_rules(tree: Path) -> None:
    code, words = lint_imports(tree)
    assert code == 0, words


def test_deliberate_breaches_of_the_import_rules_are_caught(tree: Path) -> None:
    for file, line, _ in BREACHES:
        path = (tree / file).resolve()
        path.write_text(f'"""A breach."""\n\n{line}\n', "utf-8")
    code, words = lint_imports(tree)
    assert code == 1
    # import-linter prints one section per broken rule, headed by the rule's name over a line of dashes.
    sections = re.split(r"\n(?=[^\n]+\n-{5,}\n)", words)
    missed = []
    for file, line, rule in BREACHES:
        importer = str(Path(file).with_suffix("")).replace("/", ".")
        said = [one for one in sections if one.lstrip().startswith(rule)]
        if not any(f"{importer} -> {line.removeprefix('import ')}" in one for one in said):
            missed.append(f"{file}: {line} ({rule})")
    assert missed == [], words


def test_a_cycle_inside_a_folder_is_caught(tree: Path) -> None:
    for here, there in (("m", "n"), ("n", "m")):
        (tree / f"bot/flow/breach_{here}.py").write_text(
            f'"""A breach."""\n\nimport bot.flow.breach_{there}\n', "utf-8"
        )
    code, words = lint_imports(tree)
    assert code == 1
    assert "No cycles inside a folder BROKEN" in words, words
