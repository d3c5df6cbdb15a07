"""`codex app-server`: the engine behind JSON-RPC, for editors, SDKs and services."""

import os
import signal
from typing import TYPE_CHECKING

from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.failure import say
from codex.cli.options import ConfigFlags, config_options
from codex.cli.streams import fill_closed_streams

if TYPE_CHECKING:
    from codex.app_server.configs import FileConfigs
    from codex.config import Config
    from codex.sandbox import Zygote

STDIO = "stdio://"

app_server_parser = Parser(
    "codex app-server",
    [
        *config_options,
        Option("listen", "Where clients come: stdio:// (default), ws://IP:PORT, unix://PATH, off", metavar="URL"),
        Option("strict-config", "Refuse configuration keys that this version does not know"),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"app-server": app_server_parser}
_USAGE = [
    "Serve agents to editors, SDKs and services over JSON-RPC.",
    "",
    "Usage: codex app-server [OPTIONS]",
]


def run_app_server(arguments: list[str], before: Parsed) -> int:
    """Serve until stdin ends, or a signal comes; returns the exit code.

    Raises:
      UserError: an option or the configuration is wrong, or the place to listen at is taken.
    """
    from codex.sandbox import start_zygote

    line = app_server_parser.parse(arguments)
    if line.has("help"):
        return print_help(_USAGE, app_server_parser)
    if line.positionals:
        raise app_server_parser.fail(f"unexpected argument {line.positionals[0]!r} found")
    listen = line.one("listen") or STDIO
    if listen != STDIO:
        raise app_server_parser.fail(f"--listen {listen!r}: only {STDIO} is offered yet")
    fill_closed_streams()
    zygote = start_zygote()
    flags = ConfigFlags(before, line)
    from codex.app_server.configs import FileConfigs

    configs = FileConfigs(os.getcwd(), os.environ, flags.overrides, flags.profile, strict=line.has("strict-config"))
    config = configs.load(cwd=None, flags={}, overrides={})
    for text in config.warnings:
        say(f"warning: {text}")
    return _serve(config, configs, zygote)


def _serve(config: "Config", configs: "FileConfigs", zygote: "Zygote") -> int:
    import trio

    from codex.app_server.serve import open_app_server, serve_client
    from codex.app_server.transports.stdio import StdioTransport
    from codex.cli.logs import open_program_log

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_on_signal, nursery.cancel_scope)
            async with open_app_server(config, configs, environ=os.environ, zygote=zygote) as server:
                await serve_client(server, StdioTransport(os.dup(0), os.dup(1)))
            nursery.cancel_scope.cancel("the client is gone")

    with open_program_log(config):
        trio.run(run)
    return 0


async def _end_on_signal(scope: "object") -> None:
    import trio

    assert isinstance(scope, trio.CancelScope)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel("a signal came")
            return
