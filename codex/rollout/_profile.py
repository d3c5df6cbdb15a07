"""The sandbox policy as rollout lines show it: Codex's old `sandbox_policy` and its newer permission profile."""

from codex.base.jsontext import Json, JsonObject
from codex.protocol.permission import PROTECTED_NAMES, FileSystemEntry, SandboxPolicy, entries_of


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
    entries: list[Json] = [_entry(entry, policy) for entry in entries_of(policy, cwd)]
    file_system: JsonObject = {"type": "restricted", "entries": entries}
    if policy.glob_scan_max_depth is not None:
        file_system["glob_scan_max_depth"] = policy.glob_scan_max_depth
    network = "enabled" if policy.network else "restricted"
    return {"type": "managed", "file_system": file_system, "network": network}


def _entry(entry: FileSystemEntry, policy: SandboxPolicy) -> JsonObject:
    match entry.place:
        case "path":
            path: JsonObject = {"type": "path", "path": entry.path}
        case "glob":
            path = {"type": "glob_pattern", "pattern": entry.path}
        case _:
            path = {"type": "special", "value": {"kind": entry.place}}
    shown: JsonObject = {"path": path, "access": entry.access}
    if policy.entries is None and entry.path.rpartition("/")[2] in PROTECTED_NAMES and entry.access == "read":
        shown["missing_path_behavior"] = "skip"
    return shown
