"""Turns: starting, steering, interrupting them."""

from codex.app_server.api.turn import (
    Turn,
    TurnInterruptParams,
    TurnInterruptResponse,
    TurnStartParams,
    TurnStartResponse,
    TurnSteerParams,
    TurnSteerResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.feed import Feed
from codex.app_server.items import NotUnderstood, engine_input
from codex.app_server.overrides import override
from codex.app_server.rpc import RpcError
from codex.app_server.threads import loaded
from codex.protocol.op import Interrupt, TurnInput


async def start(desk: Desk, params: TurnStartParams) -> TurnStartResponse:
    """Start a turn, or hand the input to the one that runs. Cancelled, the input may be taken."""
    feed = loaded(desk, params.thread_id)
    op = _input(params)
    await override(desk, feed, params)
    turn_id = await _submit(desk, feed, op)
    turn = Turn(id=turn_id, root_turn_id=turn_id, items=(), items_view="notLoaded", status="inProgress")
    return TurnStartResponse(turn=turn)


async def steer(desk: Desk, params: TurnSteerParams) -> TurnSteerResponse:
    """Hand more input to the running turn, if it is the one the client means. Cancelled, it may be taken."""
    feed = loaded(desk, params.thread_id)
    running = feed.thread.outbox.open_turn
    if running is None:
        raise RpcError("no active turn to steer")
    if not params.expected_turn_id:
        raise RpcError("expectedTurnId must not be empty")
    if running != params.expected_turn_id:
        raise RpcError(f"expected active turn id `{params.expected_turn_id}` but found `{running}`")
    try:
        op = TurnInput(engine_input(params.input), client_id=params.client_user_message_id)
    except NotUnderstood as fault:
        raise RpcError(str(fault)) from fault
    return TurnSteerResponse(turn_id=await _submit(desk, feed, op))


async def interrupt(desk: Desk, params: TurnInterruptParams) -> TurnInterruptResponse:
    """End the running turn; its end is told when all it started has stopped. Cancelled, it may end."""
    feed = loaded(desk, params.thread_id)
    running = feed.thread.outbox.open_turn
    if running is None and not params.turn_id:
        return TurnInterruptResponse()
    if running is None:
        raise RpcError("no active turn to interrupt")
    if params.turn_id and running != params.turn_id:
        raise RpcError(f"expected active turn id {params.turn_id} but found {running}")
    await feed.thread.submit(Interrupt())
    return TurnInterruptResponse()


async def _submit(desk: Desk, feed: Feed, op: TurnInput) -> str:
    """The turn that has the input. What it tells is kept back from this client until it has its answer."""
    feed.hold(desk.client)
    desk.afterwards(lambda: feed.release(desk.client))
    await feed.thread.submit(op)
    turn_id = feed.thread.outbox.open_turn or feed.thread.outbox.last_turn
    assert turn_id is not None, "input was taken and no turn was opened for it"
    return turn_id


def _input(params: TurnStartParams) -> TurnInput:
    schema = params.output_schema
    if schema is not None and not isinstance(schema, dict):
        raise RpcError("Invalid request: `outputSchema` is a JSON Schema, which is an object")
    try:
        items = engine_input(params.input)
    except NotUnderstood as fault:
        raise RpcError(str(fault)) from fault
    return TurnInput(items, output_schema=schema, client_id=params.client_user_message_id)


HANDLERS = {"turn/start": start, "turn/steer": steer, "turn/interrupt": interrupt}
