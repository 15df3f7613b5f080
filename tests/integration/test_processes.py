"""Scripts under their keeper: real processes, real signals, real deadlines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from bot.adapters.processes import KEPT_BYTES, Scripts
from bot.domain.errors import Refused
from bot.plugins import ProcessResult

Run = Callable[..., ProcessResult]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    return tmp_path / "scripts"


@pytest.fixture
def run(folder: Path) -> Run:
    def write_and_run(
        body: str, *args: str, timeout: float = 10, env: dict[str, str] | None = None, shebang: str = "#!/bin/sh"
    ) -> ProcessResult:
        write(folder, "restore", body, shebang)
        return Scripts([folder]).run_script("restore", args, timeout=timedelta(seconds=timeout), env=env or {})

    return write_and_run


def write(folder: Path, name: str, body: str, shebang: str = "#!/bin/sh") -> Path:
    script = folder / name
    script.write_text(f"{shebang}\n{body}\n")
    script.chmod(0o755)
    return script


def wait_until(true: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        threading.Event().wait(0.02)
    return True


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_output_and_exit_code_come_back(run: Run) -> None:
    result = run("echo out; echo err >&2; exit 3")

    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert 0 < result.seconds < 5


def test_arguments_arrive_as_they_are_and_no_shell_reads_them(run: Run) -> None:
    hostile = ["a b", "$(touch /tmp/never)", ";", "*", "", "'", "ü", "-x"]
    result = run('for one in "$@"; do printf "[%s]" "$one"; done', *hostile)

    assert result.stdout == "".join(f"[{one}]" for one in hostile)


def test_the_environment_is_bare(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_SECRET_DEPLOYER", "hunter2")
    result = run("env | sort", env={"TARGET": "staging"})

    names = {line.partition("=")[0] for line in result.stdout.splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"HOME", "LANG", "PATH", "TARGET", "TMPDIR"}


def test_it_runs_in_an_empty_folder_that_is_gone_afterwards(run: Run) -> None:
    result = run("pwd; ls -A; echo x > left-behind")

    (where,) = result.stdout.split()
    assert not Path(where).exists()


def test_it_has_no_standard_input_and_no_stray_descriptors(run: Run) -> None:
    result = run("cat; ls /proc/self/fd | wc -l")

    assert result.exit_code == 0
    assert int(result.stdout) <= 4


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../outside", "a/b", "/bin/sh", "-x", ".hidden", "Restore", "a b", "x\x00", "a\n", "ü", "n" * 65],
)
def test_only_plain_names_are_scripts(folder: Path, name: str) -> None:
    write(folder.parent, "outside", "echo escaped")
    with pytest.raises(Refused):
        Scripts([folder]).run_script(name, [], timeout=timedelta(seconds=5), env={})


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    outside = write(folder.parent, "outside", "echo escaped")
    (folder / "restore").symlink_to(outside)

    with pytest.raises(Refused, match="not a file inside"):
        Scripts([folder]).run_script("restore", [], timeout=timedelta(seconds=5), env={})


def test_a_missing_one_a_folder_and_one_without_the_executable_bit_are_refused(folder: Path) -> None:
    scripts = Scripts([folder, folder.parent / "no-such-folder"])
    (folder / "folder").mkdir()
    (folder / "plain").write_text("#!/bin/sh\n")
    for name, why in (("missing", "no script missing"), ("folder", "not a file"), ("plain", r"chmod \+x")):
        with pytest.raises(Refused, match=why):
            scripts.run_script(name, [], timeout=timedelta(seconds=5), env={})


def test_an_earlier_folder_wins(tmp_path: Path) -> None:
    for name in ("mine", "shipped"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "restore", f"echo {name}")
    scripts = Scripts([tmp_path / "mine", tmp_path / "shipped"])

    assert scripts.run_script("restore", [], timeout=timedelta(seconds=5), env={}).stdout == "mine\n"


@pytest.mark.parametrize("shebang", ["#!/no/such/interpreter", "\x7fELF nonsense", "no shebang at all"])
def test_one_that_cannot_be_started_is_refused_with_the_reason(run: Run, shebang: str) -> None:
    with pytest.raises(Refused, match="cannot be started"):
        run("echo x", shebang=shebang)


def test_hostile_arguments_and_variables_are_refused(run: Run) -> None:
    for args, env in (
        (["a\x00b"], {}),
        (["x" * 70_000], {}),
        ([], {"A": "b\x00"}),
        ([], {"LD_PRELOAD": "/tmp/x.so"}),
        ([], {"PATH": "/tmp"}),
        ([], {"BASH_ENV": "/tmp/x"}),
        ([], {"PYTHONPATH": "/tmp"}),
        ([], {"a=b": "c"}),
    ):
        with pytest.raises(Refused):
            run("echo x", *args, env=env)


def test_much_output_is_kept_at_both_ends_and_never_blocks(run: Run) -> None:
    result = run("head -c 3000000 /dev/zero | tr '\\0' a; head -c 3000000 /dev/zero | tr '\\0' b >&2; echo end")

    assert result.exit_code == 0
    assert result.stdout.startswith("aaaa")
    assert result.stdout.endswith("end\n")
    assert "bytes left out" in result.stdout
    assert len(result.stdout) < KEPT_BYTES + 100
    assert len(result.stderr) < KEPT_BYTES + 100


def test_output_that_is_no_text_is_kept_readable(run: Run) -> None:
    assert run(r"printf '\377ok'").stdout == "\ufffdok"


def test_the_deadline_ends_it_and_keeps_what_it_said(run: Run) -> None:
    started = time.monotonic()
    result = run("echo begun; sleep 60", timeout=1)

    assert (result.exit_code, result.stdout) == (None, "begun\n")
    assert time.monotonic() - started < 3


def test_one_that_ends_well_on_term_was_still_stopped_at_its_deadline(run: Run) -> None:
    result = run("trap 'echo tidied; exit 0' TERM; while :; do sleep 0.05; done", timeout=0.7)

    assert (result.exit_code, result.stdout) == (None, "tidied\n")


def test_one_that_ignores_term_is_killed_two_seconds_later(run: Run) -> None:
    started = time.monotonic()
    result = run("trap '' TERM; while :; do sleep 0.05; done", timeout=0.5)

    assert result.exit_code is None
    assert 2.2 < time.monotonic() - started < 5


def test_children_grandchildren_and_the_detached_end_with_it(run: Run, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    body = (
        f"sleep 300 & echo $! >> {pids}\n"
        f"(sleep 300 & echo $! >> {pids}; wait) &\n"
        f"setsid sh -c 'trap \"\" TERM HUP; echo $$ >> {pids}; sleep 300 & echo $! >> {pids}; wait' &\n"
        "wait\n"
    )
    result = run(body, timeout=1)

    started = [int(line) for line in pids.read_text().split()]
    assert result.exit_code is None
    assert len(started) == 4
    assert wait_until(lambda: all(is_gone(pid) for pid in started))


def test_what_it_leaves_in_the_background_neither_blocks_nor_survives(run: Run, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    started = time.monotonic()
    result = run(f"setsid sleep 300 & echo $! > {pids}; sleep 300 & echo $! >> {pids}; echo done", timeout=30)

    assert (result.exit_code, result.stdout) == (0, "done\n")
    assert time.monotonic() - started < 10
    assert wait_until(lambda: all(is_gone(int(pid)) for pid in pids.read_text().split()))


def test_one_killed_by_a_signal_says_so(run: Run) -> None:
    assert run("kill -9 $$").exit_code == 128 + 9


def test_closing_its_outputs_early_does_not_end_it(run: Run, tmp_path: Path) -> None:
    result = run(f"exec >&- 2>&-; sleep 0.5; echo late > {tmp_path}/late; exit 4")

    assert result.exit_code == 4
    assert (tmp_path / "late").read_text() == "late\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_parent_and_takes_its_children_along(folder: Path, tmp_path: Path, number: int) -> None:
    pids = tmp_path / "pids"
    write(
        folder,
        "restore",
        f"echo $$ >> {pids}; sleep 300 & echo $! >> {pids}; setsid sleep 300 & echo $! >> {pids}; wait",
    )
    code = (
        "import sys; from datetime import timedelta; from pathlib import Path\n"
        "from bot.adapters.processes import Scripts\n"
        "Scripts([Path(sys.argv[1])]).run_script('restore', [], timeout=timedelta(seconds=300), env={})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)]) as parent:
        assert wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 3)
        os.kill(parent.pid, number)
        parent.wait(10)

    assert wait_until(lambda: all(is_gone(int(pid)) for pid in pids.read_text().split()))


def test_it_dies_when_its_keeper_is_killed(folder: Path, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    write(folder, "restore", f"echo $$ $PPID > {pid_file}; exec sleep 300")
    results: list[ProcessResult] = []
    scripts = Scripts([folder])
    caller = threading.Thread(
        target=lambda: results.append(scripts.run_script("restore", [], timeout=timedelta(seconds=60), env={}))
    )
    caller.start()
    assert wait_until(lambda: pid_file.exists() and len(pid_file.read_text().split()) == 2)
    script, keeper = map(int, pid_file.read_text().split())
    os.kill(keeper, signal.SIGKILL)
    caller.join(10)

    assert [result.exit_code for result in results] == [None]
    assert wait_until(lambda: is_gone(script))


def test_several_run_at_once(folder: Path) -> None:
    write(folder, "restore", "sleep 0.3; echo $1")
    scripts = Scripts([folder])
    outputs: list[str] = []
    threads = [
        threading.Thread(
            target=lambda number=number: outputs.append(
                scripts.run_script("restore", [str(number)], timeout=timedelta(seconds=20), env={}).stdout
            )
        )
        for number in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outputs) == [f"{number}\n" for number in range(5)]


def test_no_descriptor_and_no_process_is_left(run: Run) -> None:
    run("true")
    me = psutil.Process()
    before = me.num_fds()
    for _ in range(5):
        run("echo x; exit 1")

    assert me.num_fds() == before
    assert me.children() == []
