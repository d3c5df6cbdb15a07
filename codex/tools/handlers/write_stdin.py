"""`write_stdin`: type into a running command, or look what it printed meanwhile."""

import time

from codex.base.errors import ToolFailure
from codex.tools.arguments import Arguments, BadArguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite
from codex.tools.output import exec_text

_FIELDS = ("session_id", "chars", "yield_time_ms", "max_output_tokens")
_TYPED = (250, 0.25, 30.0)
_POLLED = (5_000, 5.0, 300.0)
_CTRL_C = "\x03"


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
    default_ms, least, most = _TYPED if chars else _POLLED
    wait = min(max(arguments.whole_or("yield_time_ms", default_ms) / 1000, least), most)
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
