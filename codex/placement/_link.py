"""The actor that has a worker: it starts it, brings frames to and fro, sees that it lives, and ends it."""

from contextlib import suppress

import trio

from actors import ActorGone, Mailbox, Ref
from codex.base.errors import CodexError
from codex.placement._machine import WorkerLife
from codex.placement.frames import Ended, Ping, Pong, Start, Started, Told, frame_of, framed
from codex.placement.messages import Gone, Received, Send
from codex.ports.placement import Link, WorkerLost, Workers

START_WITHIN = 30.0
STOP_WITHIN = 4.0
_GONE_WITHIN = 2.0


async def run(
    mailbox: Mailbox[Send], *, workers: Workers, start: Start, owner: Ref[Received | Gone], silence: float
) -> None:
    """Have one worker, from its start to its end, which is told to the owner after all that the worker has said.

    Stopped, it asks the worker to end, and kills it where that takes too long. Cancelled, it kills it. In every case
    the worker is gone before this ends.
    """
    life = WorkerLife(trio.current_time(), start_within=START_WITHIN, stop_within=STOP_WITHIN, silence=silence)
    try:
        async with workers.open() as link:
            await _Having(mailbox, link, life, owner).serve(start)
            with trio.move_on_after(_GONE_WITHIN):
                await link.ended()
            link.kill()
            loss = life.gone(await link.ended())
    except WorkerLost as lost:
        loss = str(lost)
    try:
        await owner.send(Gone(loss))
    except ActorGone:
        return


class _Having:
    def __init__(self, mailbox: Mailbox[Send], link: Link, life: WorkerLife, owner: Ref[Received | Gone]) -> None:
        self._mailbox = mailbox
        self._link = link
        self._life = life
        self._owner = owner
        self._over = trio.Event()

    async def serve(self, start: Start) -> None:
        """Until the worker is gone, or was killed."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read)
            nursery.start_soon(self._watch)
            nursery.start_soon(self._write, start)
            await self._over.wait()
            nursery.cancel_scope.cancel("the worker is gone")

    async def _write(self, start: Start) -> None:
        try:
            await self._link.send(framed(start))
            async for message in self._mailbox:
                await self._link.send(framed(message.frame))
            self._life.asked_to_stop(trio.current_time())
            await self._link.send(framed(Told("stop", ())))
        except CodexError as error:
            self._break(str(error))

    async def _read(self) -> None:
        try:
            while (data := await self._link.receive()) is not None:
                self._life.heard(trio.current_time())
                match frame := frame_of(data):
                    case Pong():
                        continue
                    case Started():
                        self._life.started()
                    case Ended(failure=failure):
                        self._life.farewell(failure)
                    case _:
                        await self._owner.send(Received(frame))
        except WorkerLost:
            pass
        except CodexError as error:
            self._break(str(error))
        except ActorGone:
            self._break("nobody reads what it says")
        self._over.set()

    async def _watch(self) -> None:
        while True:
            await trio.sleep_until(self._life.next_tick(trio.current_time()))
            match self._life.tick(trio.current_time()):
                case "ping":
                    with suppress(ActorGone):  # it is being asked to stop, which it has less time for
                        self._mailbox.ref.send_nowait(Send(Ping()), control=True)
                case "kill":
                    self._link.kill()
                    return
                case "nothing":
                    pass

    def _break(self, reason: str) -> None:
        if self._life.state != "gone":
            self._life.broken(reason)
            self._link.kill()
