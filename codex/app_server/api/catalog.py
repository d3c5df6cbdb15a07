"""Which methods there are, and the classes they speak in; the classes are loaded when first asked for."""

import importlib
from typing import Any

import attrs


@attrs.frozen
class Method:
    """A request of the client, or of the server."""

    module: str
    """The module of `codex.app_server.api` that has its classes."""

    params_name: str
    """Empty for a method without params."""

    result_name: str
    experimental: bool = False
    """Only for clients that said `experimentalApi`."""

    @property
    def params(self) -> Any:
        """The class, or the union, of the params; None without params."""
        return _load(self.module, self.params_name) if self.params_name else None

    @property
    def result(self) -> Any:
        """The class, or the union, of the result."""
        return _load(self.module, self.result_name)


@attrs.frozen
class Notification:
    """Something the server tells."""

    module: str
    params_name: str

    @property
    def params(self) -> Any:
        """The class of the params."""
        return _load(self.module, self.params_name)


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"codex.app_server.api.{module}"), name)


REQUESTS: dict[str, Method] = {
    "initialize": Method("server", "InitializeParams", "InitializeResponse"),
    "server/diagnostics": Method("server", "ServerDiagnosticsParams", "ServerDiagnosticsResponse", experimental=True),
    "thread/start": Method("thread", "ThreadStartParams", "ThreadStartResponse"),
    "thread/resume": Method("thread", "ThreadResumeParams", "ThreadResumeResponse"),
    "thread/fork": Method("thread", "ThreadForkParams", "ThreadForkResponse"),
    "thread/archive": Method("thread_edit", "ThreadArchiveParams", "ThreadArchiveResponse"),
    "thread/delete": Method("thread_edit", "ThreadDeleteParams", "ThreadDeleteResponse"),
    "thread/unsubscribe": Method("thread_edit", "ThreadUnsubscribeParams", "ThreadUnsubscribeResponse"),
    "thread/name/set": Method("thread_edit", "ThreadSetNameParams", "ThreadSetNameResponse"),
    "thread/goal/set": Method("goal", "ThreadGoalSetParams", "ThreadGoalSetResponse"),
    "thread/goal/get": Method("goal", "ThreadGoalGetParams", "ThreadGoalGetResponse"),
    "thread/goal/clear": Method("goal", "ThreadGoalClearParams", "ThreadGoalClearResponse"),
    "thread/queue/add": Method("queue", "ThreadQueueAddParams", "ThreadQueueAddResponse", experimental=True),
    "thread/queue/list": Method("queue", "ThreadQueueListParams", "ThreadQueueListResponse", experimental=True),
    "thread/queue/update": Method("queue", "ThreadQueueUpdateParams", "ThreadQueueUpdateResponse", experimental=True),
    "thread/queue/delete": Method("queue", "ThreadQueueDeleteParams", "ThreadQueueDeleteResponse", experimental=True),
    "thread/queue/reorder": Method(
        "queue", "ThreadQueueReorderParams", "ThreadQueueReorderResponse", experimental=True
    ),
    "thread/queue/start": Method("queue", "ThreadQueueStartParams", "ThreadQueueStartResponse", experimental=True),
    "thread/metadata/update": Method("thread_edit", "ThreadMetadataUpdateParams", "ThreadMetadataUpdateResponse"),
    "thread/settings/update": Method(
        "thread_edit", "ThreadSettingsUpdateParams", "ThreadSettingsUpdateResponse", experimental=True
    ),
    "thread/unarchive": Method("thread_edit", "ThreadUnarchiveParams", "ThreadUnarchiveResponse"),
    "thread/compact/start": Method("thread_edit", "ThreadCompactStartParams", "ThreadCompactStartResponse"),
    "thread/shellCommand": Method("thread_edit", "ThreadShellCommandParams", "ThreadShellCommandResponse"),
    "thread/backgroundTerminals/clean": Method(
        "thread_edit",
        "ThreadBackgroundTerminalsCleanParams",
        "ThreadBackgroundTerminalsCleanResponse",
        experimental=True,
    ),
    "thread/backgroundTerminals/list": Method(
        "thread_edit", "ThreadBackgroundTerminalsListParams", "ThreadBackgroundTerminalsListResponse", experimental=True
    ),
    "thread/backgroundTerminals/terminate": Method(
        "thread_edit",
        "ThreadBackgroundTerminalsTerminateParams",
        "ThreadBackgroundTerminalsTerminateResponse",
        experimental=True,
    ),
    "thread/revert": Method("thread_edit", "ThreadRevertParams", "ThreadRevertResponse"),
    "thread/list": Method("thread_list", "ThreadListParams", "ThreadListResponse"),
    "thread/search": Method("thread_list", "ThreadSearchParams", "ThreadSearchResponse", experimental=True),
    "thread/loaded/list": Method("thread_list", "ThreadLoadedListParams", "ThreadLoadedListResponse"),
    "thread/read": Method("thread_list", "ThreadReadParams", "ThreadReadResponse"),
    "thread/turns/list": Method("thread_list", "ThreadTurnsListParams", "ThreadTurnsListResponse"),
    "thread/items/list": Method("thread_list", "ThreadItemsListParams", "ThreadItemsListResponse"),
    "thread/items/read": Method("thread_list", "ThreadItemsReadParams", "ThreadItemsReadResponse", experimental=True),
    "thread/inject_items": Method("thread_edit", "ThreadInjectItemsParams", "ThreadInjectItemsResponse"),
    "skills/list": Method("skills", "SkillsListParams", "SkillsListResponse"),
    "hooks/list": Method("hooks", "HooksListParams", "HooksListResponse"),
    "fs/readFile": Method("fs", "FsReadFileParams", "FsReadFileResponse"),
    "fs/writeFile": Method("fs", "FsWriteFileParams", "FsWriteFileResponse"),
    "fs/createDirectory": Method("fs", "FsCreateDirectoryParams", "FsCreateDirectoryResponse"),
    "fs/getMetadata": Method("fs", "FsGetMetadataParams", "FsGetMetadataResponse"),
    "fs/readDirectory": Method("fs", "FsReadDirectoryParams", "FsReadDirectoryResponse"),
    "fs/remove": Method("fs", "FsRemoveParams", "FsRemoveResponse"),
    "fs/copy": Method("fs", "FsCopyParams", "FsCopyResponse"),
    "fs/watch": Method("fs", "FsWatchParams", "FsWatchResponse"),
    "fs/unwatch": Method("fs", "FsUnwatchParams", "FsUnwatchResponse"),
    "skills/config/write": Method("skills", "SkillsConfigWriteParams", "SkillsConfigWriteResponse"),
    "turn/start": Method("turn", "TurnStartParams", "TurnStartResponse"),
    "turn/settings/update": Method("turn", "TurnSettingsUpdateParams", "TurnSettingsUpdateResponse", experimental=True),
    "turn/steer": Method("turn", "TurnSteerParams", "TurnSteerResponse"),
    "turn/interrupt": Method("turn", "TurnInterruptParams", "TurnInterruptResponse"),
    "review/start": Method("turn", "ReviewStartParams", "ReviewStartResponse"),
    "model/list": Method("model", "ModelListParams", "ModelListResponse"),
    "modelProvider/list": Method("model", "ModelProviderListParams", "ModelProviderListResponse"),
    "modelProvider/capabilities/read": Method(
        "model", "ModelProviderCapabilitiesReadParams", "ModelProviderCapabilitiesReadResponse"
    ),
    "experimentalFeature/list": Method("config", "ExperimentalFeatureListParams", "ExperimentalFeatureListResponse"),
    "permissionProfile/list": Method("settings", "PermissionProfileListParams", "PermissionProfileListResponse"),
    "collaborationMode/list": Method(
        "settings", "CollaborationModeListParams", "CollaborationModeListResponse", experimental=True
    ),
    "mcpServerStatus/list": Method("mcp", "ListMcpServerStatusParams", "ListMcpServerStatusResponse"),
    "account/login/start": Method("account", "LoginAccountParams", "LoginAccountResponse"),
    "account/login/cancel": Method("account", "CancelLoginAccountParams", "CancelLoginAccountResponse"),
    "account/logout": Method("account", "", "LogoutAccountResponse"),
    "account/rateLimits/read": Method("account", "GetAccountRateLimitsParams", "GetAccountRateLimitsResponse"),
    "command/exec": Method("command", "CommandExecParams", "CommandExecResponse"),
    "command/exec/write": Method("command", "CommandExecWriteParams", "CommandExecWriteResponse"),
    "command/exec/terminate": Method("command", "CommandExecTerminateParams", "CommandExecTerminateResponse"),
    "command/exec/resize": Method("command", "CommandExecResizeParams", "CommandExecResizeResponse"),
    "process/spawn": Method("process", "ProcessSpawnParams", "ProcessSpawnResponse", experimental=True),
    "process/writeStdin": Method("process", "ProcessWriteStdinParams", "ProcessWriteStdinResponse", experimental=True),
    "process/kill": Method("process", "ProcessKillParams", "ProcessKillResponse", experimental=True),
    "process/resizePty": Method("process", "ProcessResizePtyParams", "ProcessResizePtyResponse", experimental=True),
    "config/read": Method("config", "ConfigReadParams", "ConfigReadResponse"),
    "config/value/write": Method("config", "ConfigValueWriteParams", "ConfigWriteResponse"),
    "config/batchWrite": Method("config", "ConfigBatchWriteParams", "ConfigWriteResponse"),
    "configRequirements/read": Method("config", "", "ConfigRequirementsReadResponse"),
    "account/read": Method("account", "GetAccountParams", "GetAccountResponse"),
    "fuzzyFileSearch": Method("fuzzy", "FuzzyFileSearchParams", "FuzzyFileSearchResponse"),
    "fuzzyFileSearch/sessionStart": Method(
        "fuzzy", "FuzzyFileSearchSessionStartParams", "FuzzyFileSearchSessionStartResponse", experimental=True
    ),
    "fuzzyFileSearch/sessionUpdate": Method(
        "fuzzy", "FuzzyFileSearchSessionUpdateParams", "FuzzyFileSearchSessionUpdateResponse", experimental=True
    ),
    "fuzzyFileSearch/sessionStop": Method(
        "fuzzy", "FuzzyFileSearchSessionStopParams", "FuzzyFileSearchSessionStopResponse", experimental=True
    ),
}
"""What the client may ask."""

SERVER_REQUESTS: dict[str, Method] = {
    "item/commandExecution/requestApproval": Method(
        "approval", "CommandExecutionRequestApprovalParams", "CommandExecutionRequestApprovalResponse"
    ),
    "item/fileChange/requestApproval": Method(
        "approval", "FileChangeRequestApprovalParams", "FileChangeRequestApprovalResponse"
    ),
    "item/tool/requestUserInput": Method("approval", "ToolRequestUserInputParams", "ToolRequestUserInputResponse"),
    "mcpServer/elicitation/request": Method(
        "approval", "McpServerElicitationRequestParams", "McpServerElicitationRequestResponse"
    ),
    "item/permissions/requestApproval": Method(
        "approval", "PermissionsRequestApprovalParams", "PermissionsRequestApprovalResponse"
    ),
    "item/tool/call": Method("dynamic_tool", "DynamicToolCallParams", "DynamicToolCallResponse"),
    "currentTime/read": Method("server", "CurrentTimeReadParams", "CurrentTimeReadResponse", experimental=True),
}
"""What the server may ask the client."""

NOTIFICATIONS: dict[str, Notification] = {
    "error": Notification("turn", "ErrorNotification"),
    "thread/started": Notification("thread_events", "ThreadStartedNotification"),
    "thread/status/changed": Notification("thread_events", "ThreadStatusChangedNotification"),
    "thread/readState/changed": Notification("thread_events", "ThreadReadStateChangedNotification"),
    "thread/archived": Notification("thread_events", "ThreadArchivedNotification"),
    "thread/deleted": Notification("thread_events", "ThreadDeletedNotification"),
    "thread/unarchived": Notification("thread_events", "ThreadUnarchivedNotification"),
    "thread/closed": Notification("thread_events", "ThreadClosedNotification"),
    "thread/reverted": Notification("thread_events", "ThreadRevertedNotification"),
    "skills/changed": Notification("skills", "SkillsChangedNotification"),
    "thread/name/updated": Notification("thread_events", "ThreadNameUpdatedNotification"),
    "thread/goal/updated": Notification("goal", "ThreadGoalUpdatedNotification"),
    "thread/goal/cleared": Notification("goal", "ThreadGoalClearedNotification"),
    "thread/queue/changed": Notification("queue", "ThreadQueueChangedNotification"),
    "thread/environment/connected": Notification("thread_events", "EnvironmentConnectionNotification"),
    "thread/environment/disconnected": Notification("thread_events", "EnvironmentConnectionNotification"),
    "thread/settings/updated": Notification("thread_events", "ThreadSettingsUpdatedNotification"),
    "thread/tokenUsage/updated": Notification("thread_events", "ThreadTokenUsageUpdatedNotification"),
    "turn/started": Notification("turn", "TurnStartedNotification"),
    "hook/started": Notification("hooks", "HookStartedNotification"),
    "turn/completed": Notification("turn", "TurnCompletedNotification"),
    "hook/completed": Notification("hooks", "HookCompletedNotification"),
    "turn/diff/updated": Notification("turn", "TurnDiffUpdatedNotification"),
    "turn/plan/updated": Notification("turn", "TurnPlanUpdatedNotification"),
    "item/started": Notification("item_events", "ItemStartedNotification"),
    "item/autoApprovalReview/started": Notification("item_events", "ItemGuardianApprovalReviewStartedNotification"),
    "item/autoApprovalReview/completed": Notification("item_events", "ItemGuardianApprovalReviewCompletedNotification"),
    "item/completed": Notification("item_events", "ItemCompletedNotification"),
    "rawResponseItem/completed": Notification("item_events", "RawResponseItemCompletedNotification"),
    "rawResponse/completed": Notification("item_events", "RawResponseCompletedNotification"),
    "item/agentMessage/delta": Notification("item_events", "AgentMessageDeltaNotification"),
    "item/plan/delta": Notification("item_events", "PlanDeltaNotification"),
    "command/exec/outputDelta": Notification("command", "CommandExecOutputDeltaNotification"),
    "process/outputDelta": Notification("process", "ProcessOutputDeltaNotification"),
    "process/exited": Notification("process", "ProcessExitedNotification"),
    "item/commandExecution/outputDelta": Notification("item_events", "CommandExecutionOutputDeltaNotification"),
    "item/commandExecution/terminalInteraction": Notification("item_events", "TerminalInteractionNotification"),
    "item/fileChange/patchUpdated": Notification("item_events", "FileChangePatchUpdatedNotification"),
    "serverRequest/resolved": Notification("server", "ServerRequestResolvedNotification"),
    "item/mcpToolCall/progress": Notification("item_events", "McpToolCallProgressNotification"),
    "mcpServer/startupStatus/updated": Notification("mcp", "McpServerStatusUpdatedNotification"),
    "account/updated": Notification("account", "AccountUpdatedNotification"),
    "account/rateLimits/updated": Notification("account", "AccountRateLimitsUpdatedNotification"),
    "fs/changed": Notification("fs", "FsChangedNotification"),
    "item/reasoning/summaryTextDelta": Notification("item_events", "ReasoningSummaryTextDeltaNotification"),
    "item/reasoning/summaryPartAdded": Notification("item_events", "ReasoningSummaryPartAddedNotification"),
    "item/reasoning/textDelta": Notification("item_events", "ReasoningTextDeltaNotification"),
    "thread/compacted": Notification("thread_events", "ContextCompactedNotification"),
    "model/rerouted": Notification("model", "ModelReroutedNotification"),
    "warning": Notification("server", "WarningNotification"),
    "guardianWarning": Notification("server", "GuardianWarningNotification"),
    "deprecationNotice": Notification("server", "DeprecationNoticeNotification"),
    "configWarning": Notification("server", "ConfigWarningNotification"),
    "fuzzyFileSearch/sessionUpdated": Notification("fuzzy", "FuzzyFileSearchSessionUpdatedNotification"),
    "fuzzyFileSearch/sessionCompleted": Notification("fuzzy", "FuzzyFileSearchSessionCompletedNotification"),
    "account/login/completed": Notification("account", "AccountLoginCompletedNotification"),
}
"""What the server tells."""

NOT_SUPPORTED: frozenset[str] = frozenset(
    {
        "account/bedrock/checkGovCloudRequirements",
        "account/bedrock/discover",
        "account/bedrock/setup",
        "account/gatewayOAuth/cancel",
        "account/gatewayOAuth/login",
        "account/gatewayOAuth/read",
        "account/gcp/setup",
        "account/rateLimitResetCredit/consume",
        "account/securitySetup/read",
        "account/sendAddCreditsNudgeEmail",
        "account/usage/read",
        "account/workspaceMessages/read",
        "accountSession/list",
        "accountSession/switch",
        "app/installed",
        "app/list",
        "app/read",
        "config/mcpServer/reload",
        "environment/add",
        "environment/info",
        "environment/status",
        "experimentalFeature/enablement/set",
        "externalAgentConfig/detect",
        "externalAgentConfig/import",
        "externalAgentConfig/import/readHistories",
        "externalAgentConfig/import/recordHistory",
        "feedback/save",
        "feedback/upload",
        "getAuthStatus",
        "getConversationSummary",
        "gitDiffToRemote",
        "marketplace/add",
        "marketplace/remove",
        "marketplace/upgrade",
        "mcpServer/event/stream/start",
        "mcpServer/event/stream/stop",
        "mcpServer/oauth/login",
        "mcpServer/resource/read",
        "mcpServer/tool/call",
        "memory/reset",
        "memory/status",
        "mock/experimentalMethod",
        "modelProvider/config/write",
        "plugin/install",
        "plugin/installed",
        "plugin/list",
        "plugin/read",
        "plugin/reconcile",
        "plugin/search",
        "plugin/share/checkout",
        "plugin/share/delete",
        "plugin/share/list",
        "plugin/share/save",
        "plugin/share/updateTargets",
        "plugin/skill/read",
        "plugin/uninstall",
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
        "skills/extraRoots/set",
        "thread/approveGuardianDeniedAction",
        "thread/attachment/add",
        "thread/attachment/list",
        "thread/attachment/remove",
        "thread/attachmentOwner/list",
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
        "thread/section/move",
        "thread/timeline/list",
        "threadSection/create",
        "threadSection/delete",
        "threadSection/list",
        "threadSection/update",
        "userVerification/cancel",
        "userVerification/delete",
        "userVerification/enroll",
        "userVerification/status",
        "userVerification/verify",
        "windowsSandbox/readiness",
        "windowsSandbox/setupStart",
    }
)
"""Methods of Codex that this server knows by name only."""
