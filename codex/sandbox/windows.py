"""A plan as what Windows would be asked for: a restricted token, and changes to access lists. Data only.

Nobody has seen this hold on Windows, so nothing performs it and the sandboxed modes refuse to run there. It stands
here so that the same plan has one meaning everywhere, and can be tested.
"""

from typing import Literal, TypeAlias

import attrs

from codex.sandbox.policy import Plan

Right: TypeAlias = Literal["read", "write"]

TOKEN_FLAGS = ("DISABLE_MAX_PRIVILEGE", "LUA_TOKEN", "WRITE_RESTRICTED")
"""The token loses its privileges and its administrator's groups, and its writes are checked a second time."""
JOB_LIMITS = ("KILL_ON_JOB_CLOSE", "DIE_ON_UNHANDLED_EXCEPTION")
"""The job that holds the whole tree: it dies with its last handle."""
EVERYONE, LOGON = "S-1-1-0", "S-1-5-5"


@attrs.frozen
class Entry:
    """One entry of an access list, inherited by all that is below the path; `deny` ones come first."""

    path: str
    sid: str
    effect: Literal["allow", "deny"]
    rights: tuple[Right, ...]


@attrs.frozen
class WindowsRequest:
    """What a confined command needs: `capability` is the identity that stands for this plan, made for it alone."""

    capability: str
    token_flags: tuple[str, ...]
    restricting_sids: tuple[str, ...]
    job_limits: tuple[str, ...]
    entries: tuple[Entry, ...]
    block_network: bool


class NotExpressible(ValueError):
    """Access lists cannot say what the plan says."""


def windows_request(plan: Plan, capability: str) -> WindowsRequest:
    """The request for a command of this plan.

    Args:
      capability: a SID that no account has; access is given to it, and the token is restricted to it.

    Raises:
      NotExpressible: the plan denies by pattern, or everything that it does not name.
    """
    assert plan.mode != "danger-full-access"
    if plan.patterns or plan.closed:
        raise NotExpressible("access lists know neither patterns nor a machine of which only some places can be read")
    entries = [Entry(path, capability, "deny", ("read", "write")) for path in plan.denied]
    entries += [Entry(item.path, capability, "deny", ("write",)) for item in plan.protected]
    entries += [Entry(path, capability, "allow", ("read", "write")) for path in plan.roots]
    entries += [Entry(path, capability, "allow", ("read",)) for path in plan.readable]
    return WindowsRequest(
        capability, TOKEN_FLAGS, (capability, EVERYONE, LOGON), JOB_LIMITS, tuple(entries), not plan.network
    )
