"""`handrail gateway` is set up by the folder's settings file, as other commands are; options come first."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.cli import build
from handrail.errors import ConfigError
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY

TOML = """\
policy = "shop.yaml"
people = "people.yaml"
person = "fay"
[gateway]
upstream = "https://api.example.org/v1"
callers = [{sha256 = "%s", tenant = "shop"}]
""" % ("0" * 64)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(TICKETS_POLICY)
    (tmp_path / "other.yaml").write_text(TICKETS_POLICY.replace("policy: shop", "policy: other"))
    (tmp_path / "people.yaml").write_text(TICKETS_PEOPLE)
    (tmp_path / "handrail.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    for name in ("POLICY", "PEOPLE", "STORE"):
        monkeypatch.delenv(f"HANDRAIL_{name}", raising=False)
    return tmp_path


def checked(*options: str) -> dict[str, object]:
    done = CliRunner().invoke(build(), ["gateway", "--check", "--json", *options], catch_exceptions=False)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_settings_file_of_the_folder_is_enough(folder: Path) -> None:
    found = checked()
    assert (found["callers"], found["policies"]) == (1, {"shop.yaml": "1"})


def test_an_option_comes_before_the_environment_and_that_before_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_POLICY", "other.yaml")
    assert checked()["policies"] == {"other.yaml": "1"}
    assert checked("--policy", "shop.yaml")["policies"] == {"shop.yaml": "1"}


def test_a_file_that_is_named_stands_in_place_of_the_folders(folder: Path) -> None:
    (folder / "gateway.yaml").write_text("upstream: https://api.example.org/v1\npolicy: other.yaml\n")
    found = checked("--config", "gateway.yaml")
    assert (found["callers"], found["policies"]) == (0, {"other.yaml": "1"})


def test_other_commands_read_the_same_file(folder: Path) -> None:
    done = CliRunner().invoke(build(), ["serve", "--check", "--development"])
    assert (done.exit_code, done.stdout) == (0, "the inbox can be served\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[gateway]\nupstraem = 'https://s3cret.example.org'\n", "handrail.toml: upst"),
        ("gateway = 's3cret'\n", r"handrail.toml: \[gateway\] is a table"),
        ("[gateway\n", "handrail.toml: cannot be read"),
    ],
)
def test_what_is_wrong_in_it_is_named_with_the_file_and_not_shown(folder: Path, text: str, why: str) -> None:
    (folder / "handrail.toml").write_text(text)
    with pytest.raises(ConfigError, match=why) as wrong:
        checked()
    assert "s3cret" not in str(wrong.value)
