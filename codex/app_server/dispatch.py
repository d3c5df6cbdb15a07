"""From a method's name to its handler, which is loaded when it is first asked for.

A processor is a module of `codex.app_server.processors` with `HANDLERS`: the method's name -> `async fn(desk, params)`.
Params are read, and results written, as the classes that `api.catalog` names for the method.
"""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias, cast

import attrs

from codex.app_server.api.catalog import NOT_SUPPORTED, REQUESTS, Method
from codex.app_server.api.experimental import experimental_part
from codex.app_server.desk import Desk
from codex.app_server.rpc import INTERNAL_ERROR, RpcError
from codex.app_server.wire import BadParams, decode_any
from codex.base.errors import CodexError, UserError
from codex.base.jsontext import Json

Handler: TypeAlias = Callable[[Desk, Any], Awaitable[object]]  # Any: each takes the class of its own params

# Method, or the beginning of methods -> module. The longest that fits counts.
_HOMES: Mapping[str, str] = {
    "account/": "account",
    "collaborationMode/": "settings",
    "command/exec": "command",
    "config/": "config",
    "configRequirements/": "config",
    "experimentalFeature/": "features",
    "fs/": "fs",
    "fuzzyFileSearch": "fuzzy",
    "hooks/": "hooks",
    "initialize": "session",
    "mcpServerStatus/": "mcp",
    "model/": "model",
    "modelProvider/": "model",
    "permissionProfile/": "settings",
    "process/": "process",
    "server/": "session",
    "skills/": "skills",
    "thread/": "thread",
    "thread/backgroundTerminals/": "terminals",
    "thread/compact/": "thread_ops",
    "thread/goal/": "goal",
    "thread/inject_items": "thread_ops",
    "thread/items/": "history",
    "thread/list": "listing",
    "thread/loaded/": "listing",
    "thread/queue/": "queue",
    "thread/read": "history",
    "thread/search": "listing",
    "thread/settings/": "thread_ops",
    "thread/shellCommand": "thread_ops",
    "thread/turns/": "history",
    "turn/": "turn",
}
_PACKAGE = "codex.app_server.processors"


@attrs.frozen
class Entry:
    """A handler, and what the catalog says of its method."""

    handler: Handler
    method: Method


_entries: dict[str, Entry | None] = {}


def find(method: str) -> Entry | None:
    """The handler of a method; None where it is not offered."""
    if method not in _entries:
        if len(_entries) > 1_024:  # names that clients made up
            _entries.clear()
        _entries[method] = _load(method)
    return _entries[method]


def offered() -> list[str]:
    """All methods that have a handler; loads every processor."""
    names: list[str] = []
    for home in sorted(set(_HOMES.values())):
        names += _handlers(home)
    return sorted(names)


async def run(desk: Desk, method: str, params: Json) -> object:
    """Do what a request asks for; the instance of the API's class that answers it.

    Cancelled as the handler is: see there.

    Raises:
      RpcError: it cannot be done; this is what the client is told.
    """
    entry = _offered(desk, method)
    if params is None and entry.method.params_name:
        raise RpcError("Invalid request: missing field `params`")
    try:
        read = decode_any(entry.method.params, params) if entry.method.params_name else None
    except BadParams as fault:
        raise RpcError(str(fault)) from fault
    if not desk.is_experimental and (part := experimental_part(method, params)):
        raise _not_asked_for(part)
    return await _handled(entry, desk, read)


async def perform(desk: Desk, method: str, params: object) -> object:
    """Like `run`, with params that are an instance of the API's class already, or None where there are none."""
    entry = _offered(desk, method)
    if entry.method.experimental and not desk.is_experimental:
        raise _not_asked_for(method)
    return await _handled(entry, desk, params)


def _offered(desk: Desk, method: str) -> Entry:
    entry = find(method)
    if entry is None and not desk.is_experimental and (part := experimental_part(method, None)):
        raise _not_asked_for(part)
    if entry is None:
        raise _unknown(method)
    return entry


async def _handled(entry: Entry, desk: Desk, params: object) -> object:
    try:
        return await entry.handler(desk, params)
    except BadParams as fault:
        raise RpcError(str(fault)) from fault
    except UserError as fault:
        raise RpcError(str(fault)) from fault
    except CodexError as fault:
        raise RpcError(str(fault), INTERNAL_ERROR) from fault


def _not_asked_for(part: str) -> RpcError:
    return RpcError(f"{part} requires experimentalApi capability")


def _unknown(method: str) -> RpcError:
    if method in REQUESTS or method in NOT_SUPPORTED:
        return RpcError(f"{method} is not supported by this server")
    names = ", ".join(f"`{name}`" for name in offered())
    shown = method if len(method) <= 80 else method[:80] + "…"
    return RpcError(f"Invalid request: unknown variant `{shown}`, expected one of {names}")


def _load(method: str) -> Entry | None:
    fits = [prefix for prefix in _HOMES if method.startswith(prefix)]
    if not fits:
        return None
    handler = _handlers(_HOMES[max(fits, key=len)]).get(method)
    if handler is None:
        return None
    return Entry(handler, REQUESTS[method])


def _handlers(home: str) -> Mapping[str, Handler]:
    try:
        module = import_module(f"{_PACKAGE}.{home}")
    except ModuleNotFoundError as error:
        if error.name == f"{_PACKAGE}.{home}":
            return {}
        raise
    return cast("Mapping[str, Handler]", module.HANDLERS)
