"""Who is there: what a client says of itself, and what it is answered.

A client on standard streams has said it before we are loaded. It is answered at once, from settings alone; what stands
behind its greeting waits for the engine.
"""

import os
import platform
import re
import select
from collections.abc import Mapping

from codex import CODEX_VERSION
from codex.app_server.api.server import InitializeParams, InitializeResponse
from codex.app_server.audience import Profile
from codex.app_server.rpc import Rpc, RpcError, Run, result_message
from codex.app_server.wire import BadParams, decode, encode
from codex.base.frozen import frozen
from codex.base.jsontext import encode_bytes

_HEADER_VALUE = re.compile("[\\t\\x20-\\x7e\\x80-\\U0010ffff]*")
_READ_BYTES = 65_536
_WRITTEN_AT_ONCE = 4_096  # as much as a pipe takes whole or not at all


@frozen
class Greeted:
    """What came before the engine was there: who was answered, and what was read behind that and waits."""

    profile: Profile | None
    unread: bytes


def profile_of(params: InitializeParams) -> Profile:
    """The client in its own words.

    Raises: RpcError where its name cannot be told to model servers.
    """
    info, wishes = params.client_info, params.capabilities
    if not _HEADER_VALUE.fullmatch(info.name):
        raise RpcError(f"Invalid clientInfo.name: '{info.name[:80]}'. Must be a valid HTTP header value.")
    return Profile(
        name=info.name,
        version=info.version,
        title=info.title,
        experimental=wishes is not None and wishes.experimental_api,
        opted_out=frozenset((wishes.opt_out_notification_methods if wishes else None) or ()),
    )


def response_to(params: InitializeParams, *, codex_home: str, environ: Mapping[str, str]) -> InitializeResponse:
    """Who we are."""
    info = params.client_info
    terminal = environ.get("TERM_PROGRAM") or environ.get("TERM") or "unknown"
    system = f"{platform.system()} {platform.release()}; {platform.machine()}"
    return InitializeResponse(
        user_agent=f"{info.name}/{CODEX_VERSION} ({system}) {terminal} ({info.name}; {info.version})",
        codex_home=codex_home,
        platform_family="windows" if os.name == "nt" else "unix",
        platform_os={"darwin": "macos"}.get(platform.system().lower(), platform.system().lower()),
    )


def greet_early(reading: int, writing: int, *, codex_home: str, environ: Mapping[str, str]) -> Greeted:
    """Answer an `initialize` that waits as the first line; whatever else waits there is left to the connection."""
    if os.name == "nt" or not select.select([reading], [], [], 0)[0]:
        return Greeted(None, b"")
    data = os.read(reading, _READ_BYTES)
    line, end, behind = data.partition(b"\n")
    effects = Rpc().received(line) if end else []
    if len(effects) != 1 or not isinstance(effects[0], Run):  # a machine that is new runs nothing but `initialize`
        return Greeted(None, data)
    call = effects[0].call
    try:
        params = decode(InitializeParams, call.params)
        profile = profile_of(params)
        answer = encode(response_to(params, codex_home=codex_home, environ=environ))
        frame = encode_bytes(result_message(call.id, answer)) + b"\n"
        if len(frame) > _WRITTEN_AT_ONCE:
            return Greeted(None, data)
        os.write(writing, frame)
    except (BadParams, RpcError, OSError):
        return Greeted(None, data)
    return Greeted(profile, behind)
