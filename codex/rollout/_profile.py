"""The sandbox policy as rollout lines show it: Codex's old `sandbox_policy` and its newer permission profile."""

from codex.base.jsontext import Json, JsonObject
from codex.protocol.permission import SandboxPolicy

_PROTECTED = (".git", ".agents", ".codex")


def sandbox_payload(policy: SandboxPolicy) -> JsonObject:
    """The policy under Codex's names."""
    if policy.mode != "workspace-write":
        return {"type": policy.mode}
    payload: JsonObject = {"type": policy.mode}
    if policy.writable_roots:
        payload["writable_roots"] = [*policy.writable_roots]
    return payload | {
        "network_access": policy.network_access,
        "exclude_tmpdir_env_var": policy.exclude_tmpdir_env_var,
        "exclude_slash_tmp": policy.exclude_slash_tmp,
    }


def permission_profile(cwd: str, policy: SandboxPolicy) -> JsonObject:
    """What may be read and written, entry by entry."""
    if policy.mode == "danger-full-access":
        return {"type": "disabled"}
    entries: list[Json] = [_special("root", "read")]
    if policy.mode == "workspace-write":
        roots = list(dict.fromkeys([cwd, *policy.writable_roots]))
        entries += [_path(root, "write") for root in roots]
        if not policy.exclude_slash_tmp:
            entries.append(_special("slash_tmp", "write"))
        if not policy.exclude_tmpdir_env_var:
            entries.append(_special("tmpdir", "write"))
        for name in _PROTECTED:
            protected = (_path(f"{root.rstrip('/')}/{name}", "read") for root in roots)
            entries += [{**entry, "missing_path_behavior": "skip"} for entry in protected]
    network = "enabled" if policy.mode == "workspace-write" and policy.network_access else "restricted"
    return {"type": "managed", "file_system": {"type": "restricted", "entries": entries}, "network": network}


def _special(kind: str, access: str) -> JsonObject:
    return {"path": {"type": "special", "value": {"kind": kind}}, "access": access}


def _path(path: str, access: str) -> JsonObject:
    return {"path": {"type": "path", "path": path}, "access": access}
