"""`codex app-server`: the engine behind JSON-RPC, for editors, SDKs and services."""

import gc
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, cast

from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.app_server_export import COMMANDS as EXPORTS
from codex.cli.app_server_export import PARSERS as EXPORT_PARSERS
from codex.cli.app_server_export import run_export
from codex.cli.failure import say
from codex.cli.options import ConfigFlags, config_options
from codex.cli.streams import fill_closed_streams

if TYPE_CHECKING:
    from codex.app_server.auth import Guard
    from codex.app_server.configs import FileConfigs
    from codex.app_server.greeting import Greeted
    from codex.app_server.serve import AppServer
    from codex.app_server.transports.listen import AuthMode, Listen, Tcp, UnixSocket
    from codex.config import Config
    from codex.sandbox import Zygote

_STDIO = "stdio://"
_SLEEPS_AT_MOST = 5.0
_AUTH_MODES = ("capability-token", "signed-bearer-token")

app_server_parser = Parser(
    "codex app-server",
    [
        *config_options,
        Option("listen", "Where clients come: stdio:// (default), ws://IP:PORT, unix://PATH, off", metavar="URL"),
        Option("stdio", "The same as --listen stdio://"),
        Option("ws-auth", "How clients of a WebSocket show who they are", metavar="MODE", choices=_AUTH_MODES),
        Option("ws-token-file", "capability-token: the file with the token", metavar="PATH"),
        Option("ws-token-sha256", "capability-token: the token's SHA-256, in hex", metavar="HEX"),
        Option("ws-token-env", "capability-token: the variable with the token", metavar="NAME"),
        Option("ws-shared-secret-file", "signed-bearer-token: the file with the secret", metavar="PATH"),
        Option("ws-issuer", "signed-bearer-token: what `iss` must be", metavar="ISSUER"),
        Option("ws-audience", "signed-bearer-token: what `aud` must name", metavar="AUDIENCE"),
        Option("ws-max-clock-skew-seconds", "signed-bearer-token: by how much clocks may differ", metavar="SECONDS"),
        Option("strict-config", "Refuse configuration keys that this version does not know"),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"app-server": app_server_parser, **EXPORT_PARSERS}
_USAGE = [
    "Serve agents to editors, SDKs and services over JSON-RPC.",
    "",
    "Usage: codex app-server [OPTIONS]",
    "       codex app-server generate-json-schema|generate-ts --out DIR [--experimental]",
]


def run_app_server(arguments: list[str], before: Parsed) -> int:
    """Serve until stdin ends, or a signal comes; returns the exit code.

    Raises:
      UserError: an option or the configuration is wrong, or the place to listen at is taken.
    """
    if arguments and arguments[0] in EXPORTS:
        return run_export(arguments[0], arguments[1:])
    from codex.sandbox import start_zygote

    line = app_server_parser.parse(arguments)
    if line.has("help"):
        return print_help(_USAGE, app_server_parser)
    if line.positionals:
        raise app_server_parser.fail(f"unexpected argument {line.positionals[0]!r} found")
    fill_closed_streams()
    gc.disable()  # until the first client is greeted
    zygote = start_zygote()
    flags = ConfigFlags(before, line)
    from codex.app_server.configs import FileConfigs

    configs = FileConfigs(os.getcwd(), os.environ, flags.overrides, flags.profile, strict=line.has("strict-config"))
    config = configs.load(cwd=None, flags={}, overrides={})
    for text in config.warnings:
        say(f"warning: {text}")
    listen, guard = _door(line, config)
    return _serve(config, configs, zygote, listen, guard)


def _door(line: Parsed, config: "Config") -> "tuple[Listen, Guard | None]":
    """Where clients come in, and what they are asked there."""
    from codex.app_server.transports.listen import AuthOptions, Stdio, Tcp, load_guard, parse_listen, refuse_exposed

    listen = Stdio() if line.has("stdio") else parse_listen(line.one("listen") or _STDIO, codex_home=config.codex_home)
    skew = line.one("ws-max-clock-skew-seconds")
    if skew is not None and not (skew.isascii() and skew.isdecimal()):
        raise app_server_parser.fail(f"--ws-max-clock-skew-seconds: expected a whole number, got {skew!r}")
    options = AuthOptions(
        mode=cast("AuthMode | None", line.one("ws-auth")),
        token_file=line.one("ws-token-file"),
        token_sha256=line.one("ws-token-sha256"),
        token_env=line.one("ws-token-env"),
        shared_secret_file=line.one("ws-shared-secret-file"),
        issuer=line.one("ws-issuer"),
        audience=line.one("ws-audience"),
        max_clock_skew_seconds=int(skew) if skew is not None else None,
    )
    guard = load_guard(options, os.environ)
    if isinstance(listen, Tcp):
        refuse_exposed(listen, guard)
    return listen, guard


def _serve(config: "Config", configs: "FileConfigs", zygote: "Zygote", listen: "Listen", guard: "Guard | None") -> int:
    from codex.app_server.greeting import Greeted, greet_early
    from codex.app_server.transports.listen import Stdio

    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):  # kept until there is somebody to end
        signal.signal(number, lambda number, _: received.append(number))
    greeted = Greeted(None, b"")
    if isinstance(listen, Stdio):
        greeted = greet_early(0, 1, codex_home=config.codex_home, environ=os.environ)
    import trio

    from codex.app_server.serve import open_app_server
    from codex.cli.logs import open_program_log

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_on_signal, nursery.cancel_scope, received)
            async with open_app_server(config, configs, environ=os.environ, zygote=zygote) as server:
                nursery.start_soon(_wake_collector, server)
                await _have_clients(server, listen, guard, greeted)
            nursery.cancel_scope.cancel("the client is gone")

    with open_program_log(config):
        trio.run(run)
    if isinstance(listen, Stdio) and signal.SIGINT in received:  # Codex, too, dies of it there; all is cleaned up now.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    return 0


async def _wake_collector(server: "AppServer") -> None:
    """Let the garbage collector work again, past what was loaded so far, which stays for good."""
    import trio

    with trio.move_on_after(_SLEEPS_AT_MOST):  # clients that never say who they are leave garbage, too
        await server.server.greeted.wait()
    gc.freeze()
    gc.enable()


async def _have_clients(server: "AppServer", listen: "Listen", guard: "Guard | None", greeted: "Greeted") -> None:
    import trio

    from codex.app_server.serve import serve_client
    from codex.app_server.transports.listen import Off, Stdio

    if isinstance(listen, Stdio):
        from codex.app_server.transports.stdio import StdioTransport

        transport = StdioTransport(os.dup(0), os.dup(1), unread=greeted.unread)
        await serve_client(server, transport, profile=greeted.profile)
        return
    if isinstance(listen, Off):
        await trio.sleep_forever()
        return
    from codex.app_server.transports.listen import open_listeners
    from codex.app_server.transports.websocket import Accept, serve_streams

    async with open_listeners(listen, guard) as (listeners, where):
        _tell_where(where)
        await serve_streams(listeners, Accept(partial(serve_client, server), guard))


def _tell_where(where: "Tcp | UnixSocket") -> None:
    from codex.app_server.transports.listen import Tcp

    say(f"codex app-server\n  listening on: {where}")
    if isinstance(where, Tcp):
        for probe in ("readyz", "healthz"):
            say(f"  {probe}: http://{where.authority}/{probe}")
        if where.is_loopback:
            say("  only programs on this machine can connect; forward the port, with SSH for example, for others")


async def _end_on_signal(scope: "object", received: list[int]) -> None:
    import trio

    assert isinstance(scope, trio.CancelScope)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        if received:
            scope.cancel("a signal came")
            return
        async for received_now in signals:
            received.append(received_now)
            scope.cancel("a signal came")
            return
