"""docker-compose.yml and the Dockerfile: valid by the published schema, and true to the program that they start."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings, parse_tokens

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?@sha256:[0-9a-f]{64}")
OURS = ("web", "worker-rollbacks", "worker-notices", "worker-other", "clock", "chat", "migrate")
LISTENING = ("web", "postgres", "redis", "prometheus", "alertmanager")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return document


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    """Judge a file by the schema of the Compose Specification that check-jsonschema carries."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_compose_file_is_valid_by_the_published_schema() -> None:
    judged = validate(COMPOSE)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_the_schema_refuses_a_compose_file_with_a_misspelt_key(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text("utf-8").replace("cap_drop:", "cap_dropp:"), "utf-8")
    judged = validate(broken)
    assert judged.returncode == 1
    assert "cap_dropp" in judged.stdout + judged.stderr


def test_there_is_one_service_for_each_process(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, *LISTENING}


def test_no_service_is_root_or_may_become_it(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert int(service["user"].split(":")[0]) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert not service.get("privileged"), name


def test_every_foreign_image_is_pinned_by_version_and_digest(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if "build" not in service:
            assert PINNED.fullmatch(service["image"]), name


def test_every_service_that_listens_has_a_health_check(compose: dict[str, Any]) -> None:
    for name in LISTENING:
        assert compose["services"][name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_what_others_wait_for_being_healthy_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for other, how in service.get("depends_on", {}).items():
            assert other in compose["services"], name
            if how["condition"] == "service_healthy":
                assert "test" in compose["services"][other]["healthcheck"], f"{name} waits for {other}"


def test_nothing_is_published_beyond_the_machine_itself(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_database_and_redis_are_only_in_the_closed_network(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["inside"]
        assert "ports" not in compose["services"][name]


def test_redis_keeps_its_data_and_never_evicts(compose: dict[str, Any]) -> None:
    command = " ".join(compose["services"]["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_every_secret_is_declared_and_none_is_written_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|_URL", key) and key != "ANDON_PUBLIC_URL":
                assert key.endswith("_FILE"), f"{name}: {key}"
                assert Path(value).name in service["secrets"], f"{name}: {key}"


def test_every_variable_given_to_andon_is_one_that_it_reads(compose: dict[str, Any]) -> None:
    given = {key for name in OURS for key in compose["services"][name]["environment"]}
    image = set(re.findall(r"\b(ANDON_[A-Z_]+)=", (ROOT / "Dockerfile").read_text("utf-8")))
    assert image
    for key in given | image:
        setting = key.removeprefix("ANDON_").removesuffix("_FILE").lower()
        assert setting in Settings.model_fields or setting == "webhook_secret_alertmanager", key


def test_the_mounted_files_exist(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and source != "./config":
                assert (ROOT / source).exists(), f"{name}: {source}"
            elif not source.startswith("./"):
                assert source in compose["volumes"], f"{name}: {source}"


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_andon_knows(compose: dict[str, Any], name: str) -> None:
    command = compose["services"][name]["command"]
    words = [word for word in command if not word.startswith("-")][: 2 if command[0] == "db" else 1]
    shown = subprocess.run(
        [sys.executable, "-m", "bot", *words, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
        cwd=ROOT,
    )
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in command if word.startswith("--")):
        assert option in shown.stdout, f"andon {' '.join(words)} knows no {option}"


def test_the_workers_serve_every_queue(compose: dict[str, Any]) -> None:
    from bot.ports import Lane

    served = {compose["services"][name]["command"][-1] for name in OURS if name.startswith("worker")}
    assert served == {str(lane) for lane in Lane}


def test_the_image_has_a_pinned_base_and_ends_without_root() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert PINNED.fullmatch(bases[0])
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001:10001"]
    assert 'ENTRYPOINT ["andon"]' in lines
    assert any(line.startswith("HEALTHCHECK ") for line in lines)


def test_the_image_installs_packages_by_hash_only() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    installs = re.findall(r"pip\S*(?: --python \S+)? install ([^&\n]+)", text)
    assert len(installs) == 3
    for options in installs:
        assert "--require-hashes" in options or ("--no-deps" in options and "--no-index" in options)


def test_what_the_image_copies_gets_through_to_the_builder() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    copied = {
        word.split("/")[0] for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M) for word in line.split()[:-1]
    }
    passed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.M))
    assert copied == passed


def test_made_secrets_fit_each_other_and_are_kept_on_a_second_run(compose: dict[str, Any], tmp_path: Path) -> None:
    make = [str(ROOT / "deploy" / "make-secrets"), str(tmp_path / "secrets")]
    first = subprocess.run(make, capture_output=True, text=True, check=True)
    made = {path.name: path.read_text("utf-8").strip() for path in (tmp_path / "secrets").iterdir()}
    second = subprocess.run(make, capture_output=True, text=True, check=True)
    assert set(made) == set(compose["secrets"])
    assert made == {path.name: path.read_text("utf-8").strip() for path in (tmp_path / "secrets").iterdir()}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert f":{made['postgres_password']}@postgres:" in made["database_url"]
    assert f">{made['redis_url'].split(':')[2].split('@')[0]} " in made["redis_acl"]
    assert [actor.role for actor in parse_tokens(made["api_tokens"]).values()] == ["admin"]
    passwords = (made["postgres_password"], made["alertmanager_token"])
    assert not any(password in first.stdout + second.stdout for password in passwords)


def test_alertmanager_posts_to_the_webhook_with_the_secret_from_its_file(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "alertmanager.yml").read_text("utf-8"))
    [receiver] = config["receivers"]
    [webhook] = receiver["webhook_configs"]
    assert config["route"]["receiver"] == receiver["name"]
    assert webhook["url"] == "http://web:8080/webhooks/alertmanager"
    assert webhook["send_resolved"] is True
    secret = webhook["http_config"]["authorization"]["credentials_file"]
    assert secret == compose["services"]["web"]["environment"]["ANDON_WEBHOOK_SECRET_ALERTMANAGER_FILE"]
    assert Path(secret).name in compose["services"]["alertmanager"]["secrets"]


def test_prometheus_finds_alertmanager_andon_and_the_sample_rule(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text("utf-8"))
    [manager] = config["alerting"]["alertmanagers"]
    targets = [*manager["static_configs"][0]["targets"], *config["scrape_configs"][0]["static_configs"][0]["targets"]]
    assert {target.split(":")[0] for target in targets} <= set(compose["services"])
    mounts = {one.split(":")[1]: ROOT / one.split(":")[0] for one in compose["services"]["prometheus"]["volumes"]}
    [pattern] = config["rule_files"]
    rules = list(mounts[str(Path(pattern).parent)].glob(Path(pattern).name))
    assert rules
    for path in rules:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            assert all({"alert", "expr", "labels", "annotations"} <= set(rule) for rule in group["rules"])
