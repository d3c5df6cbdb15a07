"""How an actor ended."""

from __future__ import annotations

from typing import Literal

import attrs


@attrs.frozen
class Exit:
    """How an actor ended: by itself, asked to, by an error, or by force.

    `normal`: its function returned. `shutdown`: it was asked to stop and did, or raised `Shutdown`. `crash`: `error`
    came out of it. `killed`: it was cancelled, at once or after its shutdown seconds; `error` is what its clean-up
    raised, if it did.
    """

    kind: Literal["normal", "shutdown", "crash", "killed"]
    error: BaseException | None = None
    reason: str = ""
