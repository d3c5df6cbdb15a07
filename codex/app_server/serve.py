"""The running app-server: an engine, and clients that come and go.

app-server            dynamic supervisor: one temporary child a connection; nobody's crash ends another
feeds                 owner of the feeds, one a loaded thread
codex                 the engine with its threads, which go on when clients leave
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import trio

from actors import Ref, open_runtime
from codex.app_server.agendas import Agendas
from codex.app_server.audience import Profile
from codex.app_server.connection import Connection
from codex.app_server.outbox import Outbox
from codex.app_server.server import ConfigSource, Server
from codex.app_server.transports.transport import Transport
from codex.base.ids import uuid7
from codex.config.schema import Config
from codex.engine import open_codex
from codex.sandbox.zygote import Zygote
from supervisors import ChildSpec, Supervisor, SupervisorSpec, start_supervisor

_ORIGINATOR = "codex_app_server"


class AppServer:
    """A server that takes connections; `open_app_server` makes one."""

    def __init__(self, server: Server, connections: Supervisor) -> None:
        self.server = server
        self._connections = connections

    async def connect(
        self, transport: Transport, *, outbox: Outbox | None = None, profile: Profile | None = None
    ) -> Ref[object]:
        """Serve a client, whose transport is ours from now on; returns when it is being served.

        Args:
          profile: of a client that was greeted already.

        The connection is a child of the server: its `wait()` returns when the client is gone. Cancelled: the client
        may be served.
        """
        connection = Connection(self.server, transport, outbox or Outbox())
        if profile is not None:
            connection.introduce(profile)
            self.server.greeted.set()
        spec = ChildSpec(id=f"connection-{uuid7()}", start=connection.run, restart="temporary", shutdown=2.0)
        return await self._connections.start_child(spec)


@asynccontextmanager
async def open_app_server(
    config: Config,
    configs: ConfigSource,
    *,
    environ: Mapping[str, str],
    zygote: Zygote | None = None,
    originator: str | None = None,
) -> AsyncGenerator[AppServer, None]:
    """Open a server; leaving the block ends its connections, then its threads. Cancelled, it does the same.

    Args:
      config: what holds where a client says nothing else.
      configs: where the settings of a client's threads come from.
      originator: the name under which other servers know this program; that of its first client without it.
    """
    agendas = Agendas()
    name = originator or environ.get("CODEX_INTERNAL_ORIGINATOR_OVERRIDE")
    async with (
        open_codex(
            config,
            environ=environ,
            originator=name or _ORIGINATOR,
            zygote=zygote,
            source="vscode",
            goals=agendas,
            late_login=True,
        ) as codex,
        open_runtime(name="app-server") as runtime,
    ):
        server = Server(codex, configs, runtime, environ, has_name=bool(name))
        agendas.bind(server.agenda_of)
        await server.wait_ready()
        connections = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"), name="connections")
        yield AppServer(server, connections)


async def serve_client(server: AppServer, transport: Transport, *, profile: Profile | None = None) -> None:
    """Serve one client until it is gone; `profile` as in `connect`. Cancelled, its connection ends."""
    connection = await server.connect(transport, profile=profile)
    try:
        await connection.wait()
    except trio.Cancelled:
        with trio.move_on_after(2.0, shield=True):
            await connection.stop(within=1.0)
        raise
