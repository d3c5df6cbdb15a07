"""What only a client that said `experimentalApi` may use, beyond whole methods."""

from codex.app_server.api.catalog import REQUESTS
from codex.base.jsontext import Json

FIELDS: dict[str, frozenset[str]] = {
    "CommandExecParams": frozenset({"permissionProfile"}),
    "CommandExecutionRequestApprovalParams": frozenset({"additionalPermissions", "availableDecisions"}),
    "GetAccountResponse": frozenset({"workspaceRouting"}),
    "Thread": frozenset({"attachedToThreadId", "canAcceptDirectInput", "daybreakEnabled", "environments", "extra"}),
    "ThreadForkParams": frozenset(
        {
            "attachToSource",
            "beforeTurnId",
            "deferGoalContinuation",
            "experimentalDisablePredictionMcp",
            "experimentalPredictionMode",
            "path",
            "permissions",
            "runtimeWorkspaceRoots",
        }
    ),
    "ThreadForkResponse": frozenset({"activePermissionProfile", "multiAgentMode", "runtimeWorkspaceRoots"}),
    "ThreadItemEntry": frozenset({"outputDeferred"}),
    "ThreadListParams": frozenset(
        {"ancestorThreadId", "attachedToThreadId", "includeAttachedThreads", "parentThreadId", "projectId"}
    ),
    "ThreadListResponse": frozenset({"readStates"}),
    "ThreadMetadataUpdateParams": frozenset({"daybreakEnabled", "projectId"}),
    "ThreadReadResponse": frozenset({"readState"}),
    "ThreadResumeParams": frozenset({"history", "initialTurnsPage", "path", "permissions", "runtimeWorkspaceRoots"}),
    "ThreadResumeResponse": frozenset(
        {"activePermissionProfile", "initialTurnsPage", "multiAgentMode", "runtimeWorkspaceRoots"}
    ),
    "ThreadSettings": frozenset({"environments", "multiAgentMode"}),
    "ThreadStartParams": frozenset(
        {
            "allowProviderModelFallback",
            "daybreakEnabled",
            "dynamicTools",
            "environments",
            "experimentalRawEvents",
            "historyMode",
            "mockExperimentalField",
            "multiAgentMode",
            "permissions",
            "projectId",
            "runtimeWorkspaceRoots",
            "selectedCapabilityRoots",
        }
    ),
    "ThreadStartResponse": frozenset({"activePermissionProfile", "multiAgentMode", "runtimeWorkspaceRoots"}),
    "TurnStartParams": frozenset(
        {
            "additionalContext",
            "collaborationMode",
            "cyberAccessProgram",
            "environments",
            "multiAgentMode",
            "permissions",
            "responsesapiClientMetadata",
            "responsesapiClientMetadataPatch",
            "runtimeWorkspaceRoots",
        }
    ),
    "TurnSteerParams": frozenset(
        {"additionalContext", "responsesapiClientMetadata", "responsesapiClientMetadataPatch"}
    ),
}
"""Fields by their class, as they are named on the wire."""


def experimental_part(method: str, params: Json) -> str:
    """What in a request is experimental, such as `thread/start.permissions`; empty if nothing is."""
    found = REQUESTS.get(method)
    if found is None:
        return ""
    if found.experimental:
        return method
    if isinstance(params, dict):
        for name, value in params.items():
            if value is not None and name in FIELDS.get(found.params_name, ()):
                return f"{method}.{name}"
            if name == "approvalPolicy" and isinstance(value, dict):
                return "askForApproval.granular"
    return ""
