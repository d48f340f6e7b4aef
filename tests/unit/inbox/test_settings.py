"""An inbox that would let strangers in does not start."""

from pathlib import Path

import pytest

from handrail.errors import ConfigError
from handrail.inbox.settings import checked, read_settings

OIDC = {"issuer": "https://id.example.com", "client_id": "inbox"}


def test_development_sign_in_listens_on_this_machine_only() -> None:
    settings = checked({"development": True}, source="t")
    settings.check_listening("127.0.0.1")
    settings.check_listening("::1")
    for host in ("0.0.0.0", "192.0.2.1", "::", "inbox.example.com"):
        with pytest.raises(ConfigError, match="this machine only"):
            settings.check_listening(host)


def test_an_inbox_in_which_nobody_can_sign_in_does_not_start() -> None:
    with pytest.raises(ConfigError, match="nobody can sign in"):
        checked({}, source="t").check_listening("127.0.0.1")
    with pytest.raises(ConfigError, match="address"):
        checked({"oidc": OIDC}, source="t").check_listening("127.0.0.1")


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ({"address": "http://inbox.example.com"}, "https"),
        ({"address": "https://inbox.example.com/path"}, "origin"),
        ({"address": "ftp://x"}, "https"),
        ({"development": True, "address": "https://inbox.example.com"}, "this machine"),
        ({"oidc": {**OIDC, "issuer": "http://id.example.com"}}, "https"),
        ({"oidc": {**OIDC, "issuer": "https://me:secret@id.example.com"}}, "credentials"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_is_wrong_is_named_and_its_value_is_not_shown(raw: dict[str, object], names: str) -> None:
    with pytest.raises(ConfigError, match=names) as refused:
        checked(raw, source="inbox.toml")
    assert "secret" not in str(refused.value)


def test_a_short_key_of_sessions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = checked({"development": True}, source="t")
    monkeypatch.setenv("HANDRAIL_INBOX_KEY", "short")
    with pytest.raises(ConfigError, match="32 characters"):
        settings.session_key()
    monkeypatch.setenv("HANDRAIL_INBOX_KEY", "k" * 32)
    assert settings.session_key() == settings.session_key()


def test_one_file_holds_what_commands_share_and_what_is_the_inboxs(tmp_path: Path) -> None:
    file = tmp_path / "handrail.toml"
    file.write_text('policy = "shop.yaml"\nperson = "fay"\n[inbox]\naddress = "https://inbox.example.com"\n')
    settings = checked(read_settings(file), source=str(file))
    assert (settings.policy, settings.address) == ("shop.yaml", "https://inbox.example.com")


def test_a_file_that_is_no_toml_is_said(tmp_path: Path) -> None:
    file = tmp_path / "handrail.toml"
    file.write_text("policy: shop\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(file)
