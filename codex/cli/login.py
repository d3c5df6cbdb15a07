"""`codex login` and `codex logout`: an API key is kept in $CODEX_HOME/auth.json, or forgotten."""

import os
import sys
import time

from codex.base.errors import UserError
from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.failure import say
from codex.cli.options import config_options

_PIPE_IT = "printenv OPENAI_API_KEY | codex login --with-api-key"
_NO_BROWSER = f"this version cannot sign in with ChatGPT; use an API key ({_PIPE_IT}), or log in with Codex itself"
_MAX_KEY_BYTES = 1 << 16

_parser = Parser(
    "codex login",
    [
        *config_options,
        Option("with-api-key", "Read an API key from stdin and keep it"),
        Option("with-access-token", refusal=_NO_BROWSER),
        Option("device-auth", refusal=_NO_BROWSER),
        Option("api-key", metavar="KEY", refusal=f"a key on the command line is seen by others; pipe it: {_PIPE_IT}"),
        Option("help", "Print this", short="h"),
    ],
)
_logout_parser = Parser("codex logout", [*config_options, Option("help", "Print this", short="h")])
PARSERS = {"login": _parser, "login status": _parser, "logout": _logout_parser}


def run_login(arguments: list[str], before: Parsed) -> int:
    """`codex login --with-api-key` and `codex login status`; messages go to stderr, as Codex's do.

    Raises:
      UserError: no key, or it cannot be kept.
    """
    line = _parser.parse(arguments)
    if line.has("help"):
        about = ["Keep an API key, or show what is kept.", ""]
        usage = [f"Usage: {_PIPE_IT}", "       codex login status"]
        return print_help([*about, *usage], _parser)
    if line.positionals == ["status"]:
        return _status()
    if line.positionals:
        raise _parser.fail(f"unexpected argument {line.positionals[0]!r} found; there is 'codex login status'")
    if not line.has("with-api-key"):
        raise UserError(_NO_BROWSER)
    return _keep_key()


def run_logout(arguments: list[str], before: Parsed) -> int:
    """`codex logout`.

    Raises:
      UserError: the file cannot be removed.
    """
    from codex.config import find_codex_home
    from codex.model.auth import logout

    line = _logout_parser.parse(arguments)
    if line.has("help"):
        return print_help(["Forget the API key.", "", "Usage: codex logout"], _logout_parser)
    if line.positionals:
        raise _logout_parser.fail(f"unexpected argument {line.positionals[0]!r} found")
    say("Successfully logged out" if logout(find_codex_home(os.environ)) else "Not logged in")
    return 0


def _status() -> int:
    from codex.config import find_codex_home
    from codex.model.auth import login_status

    status = login_status(find_codex_home(os.environ), os.environ, now=time.time())
    say(status.text)
    return 0 if status.logged_in else 1


def _keep_key() -> int:
    from codex.config import find_codex_home
    from codex.model.auth import login_with_api_key

    if sys.stdin.isatty():
        raise UserError(f"--with-api-key reads the key from stdin; pipe it: {_PIPE_IT}")
    say("Reading API key from stdin...")
    data = sys.stdin.buffer.read(_MAX_KEY_BYTES)
    try:
        key = data.decode()
    except UnicodeDecodeError:
        raise UserError("what came from stdin is no API key: it is not text") from None
    if not key.strip():
        raise UserError(f"No API key provided via stdin. Pipe it: {_PIPE_IT}")
    home = find_codex_home(os.environ)
    os.makedirs(home, mode=0o700, exist_ok=True)
    login_with_api_key(home, key)
    say("Successfully logged in")
    return 0
