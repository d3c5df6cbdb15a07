"""`apply_patch`: change files by a patch, as a free-form tool or as a function."""

from codex.tools.arguments import Arguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite
from codex.tools.patching import run_patch


async def run_freeform(call: ToolCall, site: CallSite) -> OutputBody:
    """The input is the patch."""
    return await run_patch(call.payload, site.context.config.cwd, site)


async def run_function(call: ToolCall, site: CallSite) -> OutputBody:
    """The patch is an argument, for servers without free-form tools."""
    patch = Arguments(call.payload, ("input",)).required_text("input")
    return await run_patch(patch, site.context.config.cwd, site)
