"""Typed clients of the app-server: of a server in a process of its own, behind a socket, or in this process."""

from codex.app_server.client.client import Client
from codex.app_server.client.messages import (
    ConnectionLost,
    ConnectionRefused,
    Lagging,
    Notification,
    Question,
    RequestFailed,
)
from codex.app_server.client.remote import OnQuestion, open_client
from codex.app_server.client.turns import Turn, TurnResult
from codex.app_server.client.wires import Connect, process, unix_socket, websocket

__all__ = [
    "Client",
    "Connect",
    "ConnectionLost",
    "ConnectionRefused",
    "Lagging",
    "Notification",
    "OnQuestion",
    "Question",
    "RequestFailed",
    "Turn",
    "TurnResult",
    "open_client",
    "process",
    "unix_socket",
    "websocket",
]
