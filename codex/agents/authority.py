"""What a sub-agent may do: what its parent may and what its own settings say, both.  Pure, but for `look`.

    narrowed(own settings, parent's settings) -> settings with the authority of both
Law: nothing is allowed that either of the two forbids; doing it twice changes nothing; for two agents of one directory
it does not matter which of them is the parent. It counts whenever a thread starts below another: when it is spawned,
forked, and resumed, then with what its parent may by that time.
Not decided here: which settings a role or a request asks for (config, control), who answers its questions (approvals).
"""

from collections.abc import Iterable

import attrs

from codex.base.frozen import frozen
from codex.config.schema import Config
from codex.protocol.permission import ApprovalPolicy, Granular, OnePolicy, SandboxPolicy, policies_of
from codex.sandbox.disk import look as look_at_disk
from codex.sandbox.intersect import Confined, intersect_policies
from codex.sandbox.policy import Look

# The first of several policies stands for all of them in rollouts that others read, so the one that allows least.
_ORDER = ("never", "granular", "untrusted", "on-request", "on-failure", "permissive")
# Wherever the second holds, the first adds nothing.
_IMPLIED = {
    ("on-failure", "on-request"),
    ("on-failure", "never"),
    ("on-request", "never"),
    ("on-failure", "untrusted"),
    ("permissive", "untrusted"),
}


@frozen
class Authority:
    """What an agent may do in its directory. `tools`: the names of those it is offered at most, None is all."""

    workspace: str
    sandbox: SandboxPolicy
    approval: ApprovalPolicy
    tools: frozenset[str] | None = None
    unprotected_git: bool = False

    def within(self, above: "Authority", *, tmpdir: str | None, look: Look) -> "Authority":
        """What both allow, in this one's directory."""
        return Authority(
            self.workspace,
            intersect_policies(
                Confined(above.sandbox, above.workspace),
                Confined(self.sandbox, self.workspace),
                tmpdir=tmpdir,
                look=look,
            ),
            intersect_approvals(above.approval, self.approval),
            intersect_tools(above.tools, self.tools),
            self.unprotected_git and above.unprotected_git,
        )


def authority_of(config: Config) -> Authority:
    """What a thread with these settings may do."""
    return Authority(
        config.cwd, config.sandbox_policy, config.approval_policy, config.allowed_tools, config.allow_unprotected_git
    )


def narrowed(config: Config, parent: Config, *, tmpdir: str | None, look: Look = look_at_disk) -> Config:
    """The settings of a thread below another one, with no more authority than that has.

    What protects the user beside it, as rules, hooks and the environment of commands, is the parent's.

    Args:
      tmpdir: the value of $TMPDIR that commands will see, if any.
    """
    authority = authority_of(config).within(authority_of(parent), tmpdir=tmpdir, look=look)
    return attrs.evolve(
        config,
        sandbox_policy=authority.sandbox,
        approval_policy=authority.approval,
        allowed_tools=authority.tools,
        allow_unprotected_git=authority.unprotected_git,
        shell_environment_policy=parent.shell_environment_policy,
        allow_login_shell=config.allow_login_shell and parent.allow_login_shell,
        hooks=parent.hooks,
        bypass_hook_trust=parent.bypass_hook_trust,
        ignore_rules=parent.ignore_rules,
        owner_rules=parent.owner_rules,
        owner_rules_file=parent.owner_rules_file,
        trust_level=parent.trust_level,
    )


def intersect_approvals(one: ApprovalPolicy, two: ApprovalPolicy) -> ApprovalPolicy:
    """The policy under which an action runs, or is asked about, only where both let it; several where none is both."""
    policies: set[OnePolicy] = {*policies_of(one), *policies_of(two)}
    granulars = [policy for policy in policies if isinstance(policy, Granular)]
    kept: set[OnePolicy] = {
        policy for policy in policies - {*granulars} if not any((policy, other) in _IMPLIED for other in policies)
    }
    if granulars:
        kept.add(_intersect_granulars(granulars))
    ordered = tuple(
        sorted(kept, key=lambda policy: _ORDER.index("granular" if isinstance(policy, Granular) else policy))
    )
    return ordered[0] if len(ordered) == 1 else ordered


def _intersect_granulars(policies: Iterable[Granular]) -> Granular:
    """Which questions all of them let be asked."""
    kinds = [field.name for field in attrs.fields(Granular)]
    return Granular(**{kind: all(getattr(policy, kind) for policy in policies) for kind in kinds})


def intersect_tools(one: frozenset[str] | None, two: frozenset[str] | None) -> frozenset[str] | None:
    """The tools that both allow."""
    if one is None or two is None:
        return two if one is None else one
    return one & two
