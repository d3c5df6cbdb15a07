"""Where a server may listen, and what it asks of its clients there."""

from pathlib import Path

import pytest

from codex.app_server.auth import CapabilityToken, SignedBearerToken
from codex.app_server.transports.listen import (
    AuthOptions,
    Listen,
    Off,
    Stdio,
    Tcp,
    UnixSocket,
    load_guard,
    parse_listen,
    refuse_exposed,
)
from codex.base.errors import UserError


@pytest.mark.parametrize(
    ("url", "listen"),
    [
        ("stdio://", Stdio()),
        ("off", Off()),
        ("unix://", UnixSocket("/home/app-server-control/app-server-control.sock")),
        ("unix:///tmp/x.sock", UnixSocket("/tmp/x.sock")),
        ("ws://127.0.0.1:0", Tcp("127.0.0.1", 0)),
        ("ws://[::1]:8080", Tcp("::1", 8080)),
        ("ws://0.0.0.0:65535/", Tcp("0.0.0.0", 65_535)),
    ],
)
def test_a_listen_url_says_where(url: str, listen: Listen) -> None:
    assert parse_listen(url, codex_home="/home") == listen


@pytest.mark.parametrize(
    "url",
    ["ws://localhost:1", "ws://127.0.0.1", "ws://127.0.0.1:65536", "ws://127.0.0.1:-1", "ws://:1", "http://x", ""],
)
def test_another_one_is_refused_with_what_is_expected(url: str) -> None:
    with pytest.raises(UserError, match=r"expected .*`ws://IP:PORT`"):
        parse_listen(url, codex_home="/home")


def test_a_port_that_others_can_reach_needs_a_guard() -> None:
    with pytest.raises(UserError, match=r"non-loopback websocket listener 0\.0\.0\.0:80 without auth; configure"):
        refuse_exposed(Tcp("0.0.0.0", 80), None)
    refuse_exposed(Tcp("0.0.0.0", 80), CapabilityToken.of("t"))
    refuse_exposed(Tcp("127.0.0.9", 80), None)
    refuse_exposed(Tcp("::1", 80), None)


def test_guards_are_made_of_files_digests_and_variables(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("  " + "s" * 32 + "\n")
    of_file = CapabilityToken.of("s" * 32)
    assert load_guard(AuthOptions(), {}) is None
    assert load_guard(AuthOptions("capability-token", token_file=str(file)), {}) == of_file
    assert load_guard(AuthOptions("capability-token", token_sha256=of_file.sha256.hex()), {}) == of_file
    assert load_guard(AuthOptions("capability-token", token_env="T"), {"T": "s" * 32}) == of_file
    signed = AuthOptions("signed-bearer-token", shared_secret_file=str(file), issuer="i", max_clock_skew_seconds=0)
    assert load_guard(signed, {}) == SignedBearerToken(b"s" * 32, issuer="i", clock_skew=0)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (AuthOptions(token_file="x"), "websocket auth flags require `--ws-auth"),
        (AuthOptions("capability-token"), "`--ws-token-file` or `--ws-token-sha256` is required"),
        (AuthOptions("capability-token", token_file="x", token_env="y"), "mutually exclusive"),
        (AuthOptions("capability-token", token_file="/nowhere/x"), "failed to read websocket auth secret /nowhere/x"),
        (AuthOptions("capability-token", token_file="/dev/null"), "/dev/null must not be empty"),
        (AuthOptions("capability-token", token_env="T"), "the variable T is not set"),
        (AuthOptions("signed-bearer-token"), "`--ws-shared-secret-file` is required"),
    ],
)
def test_options_that_make_no_guard_are_refused(options: AuthOptions, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        load_guard(options, {})
