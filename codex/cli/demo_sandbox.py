"""Which sandbox the demo's commands get on this machine, and what its user is told about it."""

import attrs

from codex.base.errors import UserError
from codex.protocol.permission import SandboxMode
from codex.sandbox import Description


@attrs.frozen
class SandboxChoice:
    """The mode the demo runs in, the settings that go with it, and what is said."""

    mode: SandboxMode
    overrides: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def choose_sandbox(machine: Description, *, no_sandbox: bool) -> SandboxChoice:
    """The best that the machine gives; without any sandbox only if the user said so.

    Raises:
      UserError: there is none, and nobody said that it may go without.
    """
    if no_sandbox:
        return SandboxChoice(
            "danger-full-access", notes=("The commands of this demo run without a sandbox, as --no-sandbox says.",)
        )
    if machine.level in ("namespaces", "seatbelt"):
        return SandboxChoice("workspace-write")
    if machine.level == "landlock":
        notes = (
            f"This machine cannot give the full sandbox, only {machine.summary}.",
            f"Not protected: {'; '.join(machine.unprotected)}.",
            f"What to do: {machine.remedy}.",
            "The demo goes on, since its project is a copy that nobody needs; 'codex exec' would refuse to write.",
        )
        return SandboxChoice("workspace-write", ("sandbox_linux.allow_unprotected_git=true",), notes)
    raise UserError(
        f"this machine has no sandbox: {machine.remedy}. "
        "'codex demo --no-sandbox' runs the demo's few harmless commands without one"
    )


def look_at_machine() -> Description:
    """What the sandbox is worth here."""
    import sys

    import trio

    from codex.sandbox import Capabilities, ZygoteLauncher, describe

    if sys.platform != "linux":
        return describe(Capabilities(sys.platform))

    async def look() -> Description:
        async with ZygoteLauncher() as launcher:
            return await launcher.describe()

    return trio.run(look)
