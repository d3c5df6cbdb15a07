"""For tests of supervisors: children that fail, crash and end on cue, and tell what was done to them."""

from __future__ import annotations

from typing import Any

import attrs
import trio

from actors import Mailbox, Ref

from ._spec import ChildSpec


class CrashOnCue(Exception):
    """What a cued child crashes with."""


class CuedChild:
    """A child that does as it is told.

    child = CuedChild("writer")
    await start_supervisor(runtime, SupervisorSpec(children=[child.spec()]))
    child.fail_starts = 1
    await child.crash()                     # crashes; its restart fails once, the next one comes up
    assert child.log == ["start", "crash", "failed start", "start"]
    """

    def __init__(self, id: str, *, log: list[str] | None = None, stubborn: bool = False) -> None:
        self.id = id
        self.log: list[str] = [] if log is None else log
        self.label = "" if log is None else f" {id}"
        self.stubborn = stubborn
        self.fail_starts = 0
        self.ref: Ref[Any] | None = None

    def spec(self, **fields: Any) -> ChildSpec:
        """Its spec; `fields` as of ChildSpec."""
        return attrs.evolve(ChildSpec(id=self.id, start=self.run), **fields)

    async def run(self, mailbox: Mailbox[str]) -> None:
        """The child. Stubborn: only force ends it."""
        if self.fail_starts > 0:
            self.fail_starts -= 1
            self._note("failed start")
            raise CrashOnCue("start")
        self.ref = mailbox.ref
        self._note("start")
        how = "killed"
        try:
            how = await self._live(mailbox)
        finally:
            self._note(how)
        if how == "crash":
            raise CrashOnCue(self.id)

    async def crash(self) -> None:
        """Have it crash."""
        await self._running().send("crash")

    async def end(self) -> None:
        """Have it return."""
        await self._running().send("normal")

    async def _live(self, mailbox: Mailbox[str]) -> str:
        async for how in mailbox:
            return how
        if self.stubborn:
            await trio.sleep_forever()
        return "shutdown"

    def _running(self) -> Ref[Any]:
        if self.ref is None:
            raise RuntimeError(f"cued child {self.id!r} has never been started")
        return self.ref

    def _note(self, what: str) -> None:
        self.log.append(what + self.label)
