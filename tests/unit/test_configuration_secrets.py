"""Secrets: where they come from, and that they leave no trace in a text."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from bot.adapters.secrets import EnvironmentSecrets
from bot.domain.errors import ConfigError

VALUE = 'p"ss wörd/+42'


def secrets_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.env"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_a_dedicated_variable_comes_before_a_plain_one_and_both_before_the_file(tmp_path: Path) -> None:
    secrets_file(tmp_path, "A=file-a\nB=file-b\nC=file-c\n")
    found = EnvironmentSecrets({"ANDON_SECRET_A": "dedicated-a", "A": "plain-a", "B": "plain-b"}, tmp_path)
    assert [found.get(name) for name in "ABC"] == ["dedicated-a", "plain-b", "file-c"]


def test_a_secret_may_be_given_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-a-file\n", encoding="utf-8")
    assert EnvironmentSecrets({"TOKEN_FILE": str(path)}).get("TOKEN") == "from-a-file"
    assert EnvironmentSecrets({"ANDON_SECRET_TOKEN_FILE": str(path)}).get("TOKEN") == "from-a-file"


def test_a_path_that_cannot_be_read_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TOKEN_FILE names a file that cannot be read"):
        EnvironmentSecrets({"TOKEN_FILE": str(tmp_path / "absent")}).get("TOKEN")


def test_a_secret_that_is_not_there_says_where_to_put_it() -> None:
    with pytest.raises(ConfigError, match=r"There is no secret TOKEN. set ANDON_SECRET_TOKEN or TOKEN"):
        EnvironmentSecrets({}).get("TOKEN")


@pytest.mark.parametrize("name", ["token", "A B", "", "1A", "ANDON_TOKEN", "A" * 65, "A\nB", "Ä"])
def test_what_is_no_name_is_refused_even_if_the_environment_has_it(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a secret"):
        EnvironmentSecrets({name: "value-of-it"}).get(name)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = secrets_file(tmp_path, "A=value", mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        EnvironmentSecrets({}, tmp_path)


def test_every_bad_line_of_the_file_is_named_and_none_is_quoted(tmp_path: Path) -> None:
    path = secrets_file(tmp_path, "# fine\nA=1\n\nhunter2\nlower=hunter2\nANDON_X=hunter2\nA=hunter2\n")
    with pytest.raises(ConfigError) as refused:
        EnvironmentSecrets({}, tmp_path)
    assert [fault.line for fault in refused.value.faults] == [4, 5, 6, 7]
    assert all(fault.file == str(path) for fault in refused.value.faults)
    assert "hunter2" not in str(refused.value)


def test_quotes_around_a_value_are_dropped_and_equal_signs_kept(tmp_path: Path) -> None:
    secrets_file(tmp_path, "A = \"quoted value\"\nB='x=y'\nC=a=b==\n")
    found = EnvironmentSecrets({}, tmp_path)
    assert [found.get(name) for name in "ABC"] == ["quoted value", "x=y", "a=b=="]


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE),
        quote_plus(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)
def test_a_secret_is_redacted_in_every_form(text: str) -> None:
    found = EnvironmentSecrets({"ANDON_SECRET_A": VALUE}).redact(f"before {text} after")
    assert "***" in found
    assert text.strip('"') not in found
    assert found.startswith("before ")
    assert found.endswith(" after")


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "andon", "someone@example.com"])
def test_a_secret_is_redacted_inside_basic_authentication(user: str) -> None:
    secret = "correct-horse-battery"
    header = base64.b64encode(f"{user}:{secret}".encode()).decode()
    found = EnvironmentSecrets({"ANDON_SECRET_A": secret}).redact(f"Basic {header}")
    left = found.replace("***", "")
    assert "***" in found
    assert len(left) < len(header) - 20


def test_plain_variables_are_redacted_once_they_were_handed_out() -> None:
    secrets = EnvironmentSecrets({"HOME": "/home/someone", "TOKEN": "plain-token"})
    assert secrets.redact("plain-token /home/someone") == "plain-token /home/someone"
    secrets.get("TOKEN")
    assert secrets.redact("plain-token /home/someone") == "*** /home/someone"


def test_very_short_values_are_left_alone() -> None:
    assert EnvironmentSecrets({"ANDON_SECRET_A": "abc"}).redact("abc abc") == "abc abc"
    assert EnvironmentSecrets({"ANDON_SECRET_A": "abcd"}).redact("abc abcd") == "abc ***"


def test_the_longer_of_two_secrets_is_redacted_as_a_whole() -> None:
    secrets = EnvironmentSecrets({"ANDON_SECRET_A": "token", "ANDON_SECRET_B": "token-with-more"})
    assert secrets.redact("token-with-more token") == "*** ***"
