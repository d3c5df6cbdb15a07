"""`write_stdin`: type into a running command, or look what it printed meanwhile."""

import time

from codex.base.errors import ToolFailure
from codex.tools.arguments import Arguments, BadArguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite
from codex.tools.output import exec_text

_FIELDS = ("session_id", "chars", "yield_time_ms", "max_output_tokens")
_TYPED = (250, 0.25, 30.0)
_POLLED = (5_000, 5.0)
_CTRL_C = "\x03"


def waiting_time(asked_ms: int | None, *, typed: bool, longest_ms: int) -> float:
    """How many seconds a call may wait that asks for so many milliseconds; `longest_ms` is the user's word on looks."""
    default_ms, least, most = _TYPED if typed else (*_POLLED, max(longest_ms / 1000, _POLLED[1]))
    return min(max((default_ms if asked_ms is None else asked_ms) / 1000, least), most)


async def run(call: ToolCall, site: CallSite) -> OutputBody:
    """Type, wait, report. Cancelled, the process goes on and keeps the output that nobody read."""
    context = site.context
    arguments = Arguments(call.payload, _FIELDS)
    session_id = arguments.whole("session_id")
    if session_id is None:
        raise BadArguments("missing field `session_id`")
    chars = arguments.text("chars") or ""
    manager = await context.processes.open()
    process = manager.get(context.thread_id, session_id)
    if process is None:
        known = ", ".join(str(one.session_id) for one in manager.list(context.thread_id))
        raise ToolFailure(f"write_stdin failed: Unknown process id {session_id}; running: {known or 'none'}")
    began = time.monotonic()
    if chars and process.tty:
        await process.write(chars.encode("utf-8", "surrogatepass"))
    elif chars == _CTRL_C:
        await process.interrupt()
    elif chars:
        raise ToolFailure(
            "write_stdin failed: stdin is closed for this session; start the command with tty=true to type into it"
        )
    longest_ms = context.config.background_terminal_max_timeout
    wait = waiting_time(arguments.whole("yield_time_ms"), typed=bool(chars), longest_ms=longest_ms)
    output = await process.collect(within=wait)
    limit = min(arguments.whole_or("max_output_tokens", context.output_tokens), context.output_tokens)
    ended = process.exit_code is not None
    if ended:
        process.told = True
        manager.remove(process)
    return exec_text(
        output,
        omitted=process.untold,
        wall_time=time.monotonic() - began,
        exit_code=process.exit_code,
        session_id=None if ended else session_id,
        max_tokens=limit,
    )
