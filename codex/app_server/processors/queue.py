"""`thread/queue/*`: turns that wait for the running one to end."""

import attrs

from codex.app_server.agenda import Agenda
from codex.app_server.api.queue import (
    QueuedSubmission,
    ThreadQueueAddParams,
    ThreadQueueAddResponse,
    ThreadQueueDeleteParams,
    ThreadQueueDeleteResponse,
    ThreadQueueListParams,
    ThreadQueueListResponse,
    ThreadQueueReorderParams,
    ThreadQueueReorderResponse,
    ThreadQueueStartParams,
    ThreadQueueStartResponse,
    ThreadQueueUpdateParams,
    ThreadQueueUpdateResponse,
)
from codex.app_server.api.turn import Turn
from codex.app_server.desk import Desk
from codex.app_server.items import NotUnderstood, engine_input
from codex.app_server.offsets import page
from codex.app_server.rpc import RpcError
from codex.app_server.threads import loaded
from codex.base.ids import uuid7
from codex.threads.turn_queue import Waiting


def _agenda(desk: Desk, thread_id: str) -> Agenda:
    """What the thread has to do; this client is told of changes after it has its answer."""
    feed = loaded(desk, thread_id)
    agenda = feed.agenda
    if agenda is None:
        raise RpcError(f"thread {thread_id} is a sub-agent's, which does what its parent says")
    feed.hold(desk.client)
    desk.afterwards(lambda: feed.release(desk.client))
    return agenda


async def add(desk: Desk, params: ThreadQueueAddParams) -> ThreadQueueAddResponse:
    """Let input wait for its turn, which begins at once where none runs. Does not wait."""
    agenda = _agenda(desk, params.thread_id)
    one = QueuedSubmission(
        id=uuid7(),
        input=params.input,
        client_user_message_id=params.client_user_message_id,
        responsesapi_client_metadata=params.responsesapi_client_metadata,
    )
    _check(one)
    agenda.change_queue(lambda queue: queue.add(Waiting(one.id, one)))
    return ThreadQueueAddResponse(queued_submission=one)


async def list_waiting(desk: Desk, params: ThreadQueueListParams) -> ThreadQueueListResponse:
    """What waits, the next one first. Does not wait."""
    waiting = _agenda(desk, params.thread_id).waiting
    data, following = page(waiting, cursor=params.cursor, limit=params.limit, what="queued submissions")
    return ThreadQueueListResponse(data=data, next_cursor=following)


async def update(desk: Desk, params: ThreadQueueUpdateParams) -> ThreadQueueUpdateResponse:
    """Change the input of one that waits. Does not wait."""
    agenda, wanted = _agenda(desk, params.thread_id), params.queued_submission_id
    before = next((one for one in agenda.waiting if one.id == wanted), None)
    if before is None:
        raise RpcError(f"queued submission not found: {wanted}")
    metadata = params.responsesapi_client_metadata
    one = attrs.evolve(before, input=params.input, responsesapi_client_metadata=metadata)
    _check(one)
    agenda.change_queue(lambda queue: queue.update(wanted, one))
    return ThreadQueueUpdateResponse(queued_submission=one)


async def delete(desk: Desk, params: ThreadQueueDeleteParams) -> ThreadQueueDeleteResponse:
    """Let one wait no more. Does not wait."""
    agenda, wanted = _agenda(desk, params.thread_id), params.queued_submission_id
    was_there = any(one.id == wanted for one in agenda.waiting)
    agenda.change_queue(lambda queue: queue.delete(wanted))
    return ThreadQueueDeleteResponse(deleted=was_there)


async def reorder(desk: Desk, params: ThreadQueueReorderParams) -> ThreadQueueReorderResponse:
    """Give those that wait another order. Does not wait."""
    _agenda(desk, params.thread_id).change_queue(lambda queue: queue.reorder(params.queued_submission_ids))
    return ThreadQueueReorderResponse()


async def start(desk: Desk, params: ThreadQueueStartParams) -> ThreadQueueStartResponse:
    """Begin one that waits now, or hand it to the turn that runs. Cancelled, it may begin."""
    turn_id = await _agenda(desk, params.thread_id).start_waiting(params.queued_submission_id)
    turn = Turn(id=turn_id, root_turn_id=turn_id, items=(), items_view="notLoaded", status="inProgress")
    return ThreadQueueStartResponse(turn=turn)


def _check(one: QueuedSubmission) -> None:
    """Refuse now what could never begin."""
    if not one.input:
        raise RpcError("input must not be empty")
    try:
        engine_input(one.input)
    except NotUnderstood as fault:
        raise RpcError(str(fault)) from fault


HANDLERS = {
    "thread/queue/add": add,
    "thread/queue/list": list_waiting,
    "thread/queue/update": update,
    "thread/queue/delete": delete,
    "thread/queue/reorder": reorder,
    "thread/queue/start": start,
}
