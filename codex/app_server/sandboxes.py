"""Sandbox policies of the API as those of the engine.  Pure."""

from codex.app_server.api.settings import (
    DangerFullAccessPolicy,
    ExternalSandboxPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
)
from codex.protocol import permission as engine


def sandbox_of(policy: SandboxPolicy) -> engine.SandboxPolicy:
    """What commands may touch. With a sandbox around us there is none of ours."""
    match policy:
        case DangerFullAccessPolicy() | ExternalSandboxPolicy():
            return engine.SandboxPolicy("danger-full-access")
        case ReadOnlyPolicy(network_access=network):
            return engine.SandboxPolicy("read-only", network_access=network)
        case WorkspaceWritePolicy():
            return engine.SandboxPolicy(
                "workspace-write",
                writable_roots=policy.writable_roots,
                network_access=policy.network_access,
                exclude_tmpdir_env_var=policy.exclude_tmpdir_env_var,
                exclude_slash_tmp=policy.exclude_slash_tmp,
            )
