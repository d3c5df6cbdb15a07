"""Where a server listens, and what must hold there: a port that others can reach needs a token."""

import ipaddress
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

from codex.app_server.auth import DEFAULT_CLOCK_SKEW, CapabilityToken, Guard, SignedBearerToken, signing_secret
from codex.base.errors import UserError
from codex.base.frozen import frozen

if TYPE_CHECKING:
    import trio

AuthMode: TypeAlias = Literal["capability-token", "signed-bearer-token"]


@frozen
class Stdio:
    """`stdio://`: one client, on standard input and output."""


@frozen
class Off:
    """`off`: nobody can connect."""


@frozen
class UnixSocket:
    """`unix://PATH`."""

    path: str

    def __str__(self) -> str:
        return f"unix://{self.path}"


@frozen
class Tcp:
    """`ws://IP:PORT`; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"ws://{self.authority}"

    @property
    def authority(self) -> str:
        """`IP:PORT`, as it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can connect."""
        return ipaddress.ip_address(self.host).is_loopback


Listen: TypeAlias = Stdio | Off | UnixSocket | Tcp


@frozen
class AuthOptions:
    """How clients of a WebSocket show who they are: Codex's `--ws-…` options, and a variable with the token."""

    mode: AuthMode | None = None
    token_file: str | None = None
    token_sha256: str | None = None
    token_env: str | None = None
    shared_secret_file: str | None = None
    issuer: str | None = None
    audience: str | None = None
    max_clock_skew_seconds: int | None = None


def parse_listen(url: str, *, codex_home: str) -> Listen:
    """What `--listen` says. Raises: UserError."""
    if url == "stdio://":
        return Stdio()
    if url == "off":
        return Off()
    if url.startswith("unix://"):
        path = url.removeprefix("unix://")
        return UnixSocket(
            os.path.abspath(path or os.path.join(codex_home, "app-server-control", "app-server-control.sock"))
        )
    if url.startswith("ws://"):
        return _parse_tcp(url)
    raise UserError(
        f"unsupported --listen URL `{url}`; expected `stdio://`, `unix://`, `unix://PATH`, `ws://IP:PORT`, or `off`"
    )


def _parse_tcp(url: str) -> Tcp:
    host, _, port = url.removeprefix("ws://").removesuffix("/").rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port) if port.isascii() and port.isdecimal() else -1
    except ValueError:
        number, address = -1, None
    if address is None or not 0 <= number <= 65_535:
        raise UserError(f"invalid websocket --listen URL `{url}`; expected `ws://IP:PORT`")
    return Tcp(str(address), number)


def load_guard(options: AuthOptions, environ: Mapping[str, str]) -> Guard | None:
    """Who may connect, from options, files and variables; None when everybody may.

    Raises: UserError: an option is missing or too much, or a file or a variable does not hold what it should.
    """
    if options.mode is None:
        if options != AuthOptions():
            raise UserError(
                "websocket auth flags require `--ws-auth capability-token` or `--ws-auth signed-bearer-token`"
            )
        return None
    return _capability(options, environ) if options.mode == "capability-token" else _signed(options)


def _capability(options: AuthOptions, environ: Mapping[str, str]) -> CapabilityToken:
    sources = (options.token_file, options.token_sha256, options.token_env)
    if sum(source is not None for source in sources) > 1:
        raise UserError("`--ws-token-file`, `--ws-token-sha256` and `--ws-token-env` are mutually exclusive")
    if options.token_sha256 is not None:
        return CapabilityToken.of_digest(options.token_sha256)
    if options.token_file is not None:
        return CapabilityToken.of(_read_secret(options.token_file).decode("utf-8", "replace"))
    if options.token_env is not None:
        token = environ.get(options.token_env, "").strip()
        if not token:
            raise UserError(f"--ws-token-env: the variable {options.token_env} is not set or empty")
        return CapabilityToken.of(token)
    raise UserError("`--ws-token-file` or `--ws-token-sha256` is required when `--ws-auth capability-token` is set")


def _signed(options: AuthOptions) -> SignedBearerToken:
    path = options.shared_secret_file
    if path is None:
        raise UserError("`--ws-shared-secret-file` is required when `--ws-auth signed-bearer-token` is set")
    skew = options.max_clock_skew_seconds
    return SignedBearerToken(
        signing_secret(_read_secret(path), path),
        issuer=options.issuer,
        audience=options.audience,
        clock_skew=DEFAULT_CLOCK_SKEW if skew is None else skew,
    )


def _read_secret(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            secret = file.read(65_536)
    except OSError as error:
        raise UserError(f"failed to read websocket auth secret {path}: {error.strerror or error}") from error
    if not secret.strip():
        raise UserError(f"websocket auth secret {path} must not be empty")
    return secret


def refuse_exposed(listen: Tcp, guard: Guard | None) -> None:
    """Raises: UserError: others than this machine could connect, and nothing asks them who they are."""
    if guard is None and not listen.is_loopback:
        raise UserError(
            f"refusing to start non-loopback websocket listener {listen.authority} without auth; "
            "configure `--ws-auth capability-token` or `--ws-auth signed-bearer-token`"
        )


@asynccontextmanager
async def open_listeners(
    listen: Tcp | UnixSocket, guard: Guard | None
) -> "AsyncGenerator[tuple[Sequence[trio.SocketListener], Tcp | UnixSocket], None]":
    """Listening sockets, and where they are: with the port that was free.

    Raises: UserError: the place is taken, cannot be had, or is open to others without a guard.
    """
    import trio  # a client on standard streams is greeted without it

    if isinstance(listen, UnixSocket):
        from codex.app_server.transports.unix import open_unix_listener

        async with open_unix_listener(listen.path) as listener:
            yield [listener], listen
        return
    refuse_exposed(listen, guard)
    try:
        listeners = await trio.open_tcp_listeners(listen.port, host=listen.host)
    except OSError as error:
        raise UserError(f"{listen}: cannot listen there: {error.strerror or error}") from error
    try:
        yield listeners, Tcp(listen.host, _port(listeners))
    finally:
        for listener in listeners:
            listener.socket.close()


def _port(listeners: "Sequence[trio.SocketListener]") -> int:
    name: tuple[str, int] = listeners[0].socket.getsockname()[:2]
    return name[1]
