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

NOT_SUPPORTED: frozenset[str] = frozenset(
    {
        "account/bedrock/checkGovCloudRequirements",
        "account/bedrock/discover",
        "account/bedrock/setup",
        "account/gcp/setup",
        "accountSession/list",
        "accountSession/switch",
        "environment/add",
        "environment/info",
        "environment/status",
        "mcpServer/event/stream/start",
        "mcpServer/event/stream/stop",
        "memory/reset",
        "memory/status",
        "mock/experimentalMethod",
        "plugin/search",
        "project/create",
        "project/delete",
        "project/import",
        "project/list",
        "project/move",
        "project/read",
        "project/update",
        "remoteControl/client/list",
        "remoteControl/client/revoke",
        "remoteControl/disable",
        "remoteControl/enable",
        "remoteControl/pairing/start",
        "remoteControl/pairing/status",
        "remoteControl/status/read",
        "rollout/compress",
        "thread/decrement_elicitation",
        "thread/guardianReview",
        "thread/increment_elicitation",
        "thread/memory/read",
        "thread/memoryMode/set",
        "thread/prediction/request",
        "thread/prepareApprovedPlan",
        "thread/readState/update",
        "thread/realtime/appendAudio",
        "thread/realtime/appendSpeech",
        "thread/realtime/appendText",
        "thread/realtime/listVoices",
        "thread/realtime/start",
        "thread/realtime/stop",
        "thread/sample",
        "thread/sample/cancel",
        "thread/searchOccurrences",
        "thread/timeline/list",
        "userVerification/cancel",
        "userVerification/delete",
        "userVerification/enroll",
        "userVerification/status",
        "userVerification/verify",
    }
)
"""The experimental ones of the methods that are not here."""


def experimental_part(method: str, params: Json) -> str:
    """What in a request is experimental, such as `thread/start.permissions`; empty if nothing is."""
    found = REQUESTS.get(method)
    if found is None:
        return method if method in NOT_SUPPORTED else ""
    if found.experimental:
        return method
    if isinstance(params, dict):
        for name, value in params.items():
            if value is not None and value is not False and name in FIELDS.get(found.params_name, ()):
                return f"{method}.{name}"
            if name == "approvalPolicy" and isinstance(value, dict):
                return "askForApproval.granular"
    return ""
