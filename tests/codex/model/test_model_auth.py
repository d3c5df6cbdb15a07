"""The login in auth.json: who asks, and how the file is written."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from codex.base.errors import UserError
from codex.model.auth import LoginStatus, load_credentials, login_status, login_with_api_key, logout

NOW = 1_000_000.0


def jwt(**claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.sig"


def write(home: Path, **content: Any) -> str:
    path = home / "auth.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_nobody_is_logged_in_at_first(tmp_path: Path) -> None:
    assert load_credentials(str(tmp_path), {}, now=NOW).bearer is None
    assert login_status(str(tmp_path), {}, now=NOW) == LoginStatus(logged_in=False, text="Not logged in")
    assert logout(str(tmp_path)) is False


def test_a_login_is_kept_for_the_owner_only_and_read_back(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    login_with_api_key(str(home), " sk-secret-0123456789-abcdef \n")
    path = home / "auth.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-secret-0123456789-abcdef"}
    assert os.listdir(home) == ["auth.json"]
    found = load_credentials(str(home), {}, now=NOW)
    assert (found.bearer, found.source, found.is_chatgpt) == ("sk-secret-0123456789-abcdef", str(path), False)
    status = login_status(str(home), {}, now=NOW)
    assert status.text == f"Logged in using an API key - sk-secre***bcdef (from {path})"
    assert logout(str(home)) is True
    assert not path.exists()


def test_a_login_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    write(tmp_path, auth_mode="chatgpt", tokens={"access_token": "t"})
    login_with_api_key(str(tmp_path), "sk-new")
    assert load_credentials(str(tmp_path), {}, now=NOW).bearer == "sk-new"


@pytest.mark.parametrize("key", ["", "  \n", "two words", "a\nb", "schlüssel"])
def test_what_is_no_key_is_refused_and_changes_nothing(tmp_path: Path, key: str) -> None:
    login_with_api_key(str(tmp_path), "sk-old")
    with pytest.raises(UserError, match="API key"):
        login_with_api_key(str(tmp_path), key)
    assert load_credentials(str(tmp_path), {}, now=NOW).bearer == "sk-old"


def test_who_asks_is_looked_up_in_order(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "from-env", "CODEX_API_KEY": "from-codex-env"}
    login_with_api_key(str(tmp_path), "from-file")
    assert load_credentials(str(tmp_path), environ, now=NOW).bearer == "from-codex-env"
    del environ["CODEX_API_KEY"]
    assert load_credentials(str(tmp_path), environ, now=NOW).bearer == "from-file"
    logout(str(tmp_path))
    assert load_credentials(str(tmp_path), environ, now=NOW).bearer == "from-env"


def test_chatgpt_tokens_are_used_until_they_expire(tmp_path: Path) -> None:
    access = jwt(exp=NOW + 1)
    path = write(tmp_path, OPENAI_API_KEY=None, tokens={"access_token": access, "account_id": "acc"}, last_refresh="x")
    found = load_credentials(str(tmp_path), {"OPENAI_API_KEY": "env"}, now=NOW)
    assert (found.bearer, found.is_chatgpt, found.account_id, found.source) == (access, True, "acc", path)
    assert login_status(str(tmp_path), {}, now=NOW).text == "Logged in using ChatGPT"
    with pytest.raises(UserError, match=r"auth\.json: the ChatGPT login has expired.*codex login --with-api-key"):
        load_credentials(str(tmp_path), {"OPENAI_API_KEY": "env"}, now=NOW + 2)


def test_the_account_is_taken_from_the_id_token_where_it_is_not_written(tmp_path: Path) -> None:
    id_token = jwt(**{"https://api.openai.com/auth": {"chatgpt_account_id": "acc9"}})
    write(tmp_path, tokens={"access_token": "opaque", "id_token": id_token})
    assert load_credentials(str(tmp_path), {}, now=NOW).account_id == "acc9"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not json", "is no JSON object"),
        ("[1]", "is no JSON object"),
        ('{"auth_mode": "chatgpt", "tokens": {"refresh_token": "r"}}', "access_token is missing"),
        ('{"auth_mode": "agentIdentity"}', "a login of kind 'agentIdentity' cannot be used"),
    ],
)
def test_a_login_that_cannot_be_used_is_refused_never_ignored(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "auth.json").write_text(content)
    with pytest.raises(UserError, match=words):
        load_credentials(str(tmp_path), {"OPENAI_API_KEY": "env"}, now=NOW)


def test_a_key_beside_tokens_counts_where_the_mode_says_so(tmp_path: Path) -> None:
    write(tmp_path, auth_mode="apikey", OPENAI_API_KEY="sk-k", tokens={"access_token": "t"})
    assert load_credentials(str(tmp_path), {}, now=NOW).bearer == "sk-k"
    write(tmp_path, auth_mode="chatgpt", OPENAI_API_KEY="sk-k", tokens={"access_token": "t"})
    assert load_credentials(str(tmp_path), {}, now=NOW).bearer == "t"


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"auth\.json cannot be written"):
        login_with_api_key(str(tmp_path / "file" / "home"), "sk-1")


def test_credentials_do_not_show_their_secret(tmp_path: Path) -> None:
    login_with_api_key(str(tmp_path), "sk-secret")
    assert "sk-secret" not in repr(load_credentials(str(tmp_path), {}, now=NOW))
