"""Settings of a gateway: what is wrong is named, never shown."""

from pathlib import Path

import pytest

from handrail.errors import ConfigError
from handrail.gateway.settings import Settings, checked, key_sha256, read_settings

GIVEN: dict[str, object] = {"upstream": "https://api.example.org/v1/", "policy": "support"}
SHA = key_sha256("k")


def test_the_least_is_an_upstream_and_a_policy() -> None:
    settings = checked(GIVEN, source="options")
    assert settings.upstream == "https://api.example.org/v1"
    assert settings.guard is True


@pytest.mark.parametrize(
    "upstream",
    [
        "api.example.org",
        "ftp://api.example.org",
        "https://user:s3cret@api.example.org",
        "https://api.example.org/v1?key=s3cret",
        "https:///v1",
    ],
)
def test_an_upstream_is_an_address_without_credentials(upstream: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        checked({**GIVEN, "upstream": upstream}, source="gateway.yaml")
    assert str(wrong.value).startswith("gateway.yaml: upstream: ")
    assert "s3cret" not in str(wrong.value)


def test_a_key_that_is_no_digest_is_named_but_not_shown() -> None:
    with pytest.raises(ConfigError) as wrong:
        checked({**GIVEN, "callers": [{"sha256": "the-key-itself", "tenant": "t"}]}, source="gateway.yaml")
    assert "callers.0.sha256" in str(wrong.value)
    assert "the-key-itself" not in str(wrong.value)


def test_two_callers_with_one_key_are_refused() -> None:
    callers = [{"sha256": SHA, "tenant": "a"}, {"sha256": SHA, "tenant": "b"}]
    with pytest.raises(ConfigError, match="same key"):
        checked({**GIVEN, "callers": callers}, source="gateway.yaml")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="upstream_key"):
        checked({**GIVEN, "upstream_key": "k"}, source="gateway.yaml")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example.org"])
def test_without_callers_it_listens_on_loopback_only(host: str) -> None:
    open_to_all = Settings.model_validate(GIVEN)
    with pytest.raises(ConfigError, match="callers"):
        open_to_all.check_listening(host)
    for own in ("127.0.0.1", "::1", "localhost"):
        open_to_all.check_listening(own)
    Settings.model_validate({**GIVEN, "callers": [{"sha256": SHA, "tenant": "t"}]}).check_listening(host)


@pytest.mark.parametrize("content", ["[", "- a\n- b\n", ""])
def test_a_file_that_is_no_settings_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"gateway\.yaml"):
        read_settings(file)


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate({**GIVEN, "upstream_key_env": "SOME_KEY"})
    assert settings.upstream_key() is None
    monkeypatch.setenv("SOME_KEY", "s3cret")
    assert settings.upstream_key() == "s3cret"
    assert "s3cret" not in repr(settings)
