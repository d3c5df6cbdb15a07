"""`permissionProfile/list`, `collaborationMode/list`: what a thread can be set to."""

from codex.app_server.api.settings import (
    CollaborationModeListParams,
    CollaborationModeListResponse,
    CollaborationModeMask,
    PermissionProfileListParams,
    PermissionProfileListResponse,
    PermissionProfileSummary,
)
from codex.app_server.desk import Desk
from codex.app_server.offsets import page

BUILT_IN = (":read-only", ":workspace", ":danger-full-access")


async def list_profiles(desk: Desk, params: PermissionProfileListParams) -> PermissionProfileListResponse:
    """The built-in permission profiles and those of the configuration. Cancelled, nothing happened."""
    config = await desk.server.load_config(params.cwd)
    own = config.extra.get("permissions")
    names = [*BUILT_IN, *(sorted(own) if isinstance(own, dict) else ())]
    profiles = [PermissionProfileSummary(id=name, allowed=True) for name in names]
    data, following = page(profiles, cursor=params.cursor, limit=params.limit, what="permission profiles")
    return PermissionProfileListResponse(data=data, next_cursor=following)


async def list_modes(_desk: Desk, _params: CollaborationModeListParams) -> CollaborationModeListResponse:
    """The mode there is: planning first is not offered. Does not wait."""
    return CollaborationModeListResponse(
        data=(CollaborationModeMask(name="Default", mode="default", reasoning_effort=None),)
    )


HANDLERS = {"permissionProfile/list": list_profiles, "collaborationMode/list": list_modes}
