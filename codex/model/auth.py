"""The login kept in `$CODEX_HOME/auth.json`, read and written as Codex does (mode 600, replaced in one step).

Who asks, first found: CODEX_API_KEY, then `auth.json` (an API key or the tokens of a ChatGPT login), then
OPENAI_API_KEY. ChatGPT tokens are used until they expire; renewing them is left to Codex, and said.
"""

import os
from collections.abc import Mapping

from codex.base.errors import UserError
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject, decode_object, encode, get_object, get_str
from codex.model.credentials import Credentials

AUTH_FILE = "auth.json"
_LOG_IN = "run `codex login --with-api-key`"


@frozen
class LoginStatus:
    """What `codex login status` says; the command ends with 1 when nobody is logged in."""

    logged_in: bool
    text: str


def load_credentials(codex_home: str, environ: Mapping[str, str], *, now: float) -> Credentials:
    """Who asks, from the environment and `auth.json`; empty credentials when nobody is logged in.

    Args:
      now: the wall time, against which tokens may have expired.

    Raises:
      UserError: `auth.json` cannot be read, or holds a ChatGPT login that cannot be used.
    """
    if key := environ.get("CODEX_API_KEY", "").strip():
        return Credentials(key, "CODEX_API_KEY", "check the key in the environment variable CODEX_API_KEY")
    path = os.path.join(codex_home, AUTH_FILE)
    stored = _read(path)
    if stored is not None and (found := _stored_credentials(path, stored, now)):
        return found
    if key := environ.get("OPENAI_API_KEY", "").strip():
        return Credentials(key, "OPENAI_API_KEY", "check the key in the environment variable OPENAI_API_KEY")
    return Credentials()


def login_stamp(codex_home: str) -> tuple[int, int] | None:
    """Tells a login in `auth.json` from another one; None where there is none."""
    try:
        there = os.stat(os.path.join(codex_home, AUTH_FILE))
    except OSError:
        return None
    return there.st_mtime_ns, there.st_ino


def login_with_api_key(codex_home: str, api_key: str) -> None:
    """Keep an API key in `auth.json`; it takes the place of any login that was there.

    Raises:
      UserError: that is no key, or the file cannot be written.
    """
    key = api_key.strip()
    if not key:
        raise UserError(
            "no API key given: pipe it in, for example `printenv OPENAI_API_KEY | codex login --with-api-key`"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError("that is no API key: it holds a space, a line break or a character outside ASCII")
    _write(os.path.join(codex_home, AUTH_FILE), {"auth_mode": "apikey", "OPENAI_API_KEY": key})


def login_status(codex_home: str, environ: Mapping[str, str], *, now: float) -> LoginStatus:
    """Who the next request would ask as, in one line without the secret."""
    found = load_credentials(codex_home, environ, now=now)
    if found.bearer is None:
        return LoginStatus(logged_in=False, text="Not logged in")
    if found.is_chatgpt:
        return LoginStatus(logged_in=True, text="Logged in using ChatGPT")
    return LoginStatus(
        logged_in=True, text=f"Logged in using an API key - {_masked(found.bearer)} (from {found.source})"
    )


def logout(codex_home: str) -> bool:
    """Remove `auth.json`; False when there was none. Keys in the environment stay."""
    try:
        os.unlink(os.path.join(codex_home, AUTH_FILE))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f"{os.path.join(codex_home, AUTH_FILE)} cannot be removed: {error.strerror}") from error
    return True


def _stored_credentials(path: str, stored: JsonObject, now: float) -> Credentials | None:
    key = get_str(stored, "OPENAI_API_KEY").strip()
    tokens = get_object(stored, "tokens")
    # Codex's rule: the mode decides; where none is written, a key wins over tokens.
    if tokens and (get_str(stored, "auth_mode") == "chatgpt" or not key):
        return _chatgpt_credentials(path, tokens, now)
    if key:
        return Credentials(key, path, f"check the key in {path}, or {_LOG_IN} again")
    mode = get_str(stored, "auth_mode")
    if mode and mode.lower() not in ("apikey", "chatgpt"):
        raise UserError(f"{path}: a login of kind {mode!r} cannot be used here: {_LOG_IN}, or set CODEX_API_KEY")
    return None


def _chatgpt_credentials(path: str, tokens: JsonObject, now: float) -> Credentials:
    access = get_str(tokens, "access_token")
    if not access.isascii() or not access.isprintable() or not access:
        raise UserError(
            f"{path}: tokens.access_token is missing: log in again with Codex's own `codex login`, or {_LOG_IN}"
        )
    expires = _claims(access).get("exp")
    if isinstance(expires, int | float) and expires <= now:
        raise UserError(
            f"{path}: the ChatGPT login has expired and only Codex can renew it: run Codex's own `codex login`, "
            f"or {_LOG_IN}, or set CODEX_API_KEY"
        )
    hint = f"the ChatGPT login in {path} was refused: renew it with Codex's own `codex login`, or {_LOG_IN}"
    account = get_str(tokens, "account_id") or _account_of(get_str(tokens, "id_token"))
    return Credentials(access, path, hint, is_chatgpt=True, account_id=account or None)


def _account_of(id_token: str) -> str:
    return get_str(get_object(_claims(id_token), "https://api.openai.com/auth"), "chatgpt_account_id")


def _claims(token: str) -> JsonObject:
    """The claims inside a JWT, unverified (the server verifies them); empty when it is none."""
    from base64 import urlsafe_b64decode

    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return decode_object(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}


def _masked(key: str) -> str:
    return f"{key[:8]}***{key[-5:]}" if len(key) > 20 else "***"


def _read(path: str) -> JsonObject | None:
    try:
        with open(path, "rb") as file:
            text = file.read(1_000_000)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return decode_object(text)
    except ValueError as error:
        raise UserError(
            f"{path} is no JSON object ({error}): remove it with `codex logout` and log in again"
        ) from error


def _write(path: str, value: JsonObject) -> None:
    """Replace the file in one step, readable by its owner only from its first byte on."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(encode(value).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
