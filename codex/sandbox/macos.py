"""A plan as a profile of macOS's Seatbelt and its parameters: pure.

The profile is text in Apple's sandbox language; every path is a parameter, so none is ever quoted into it, save in the
expressions of patterns. Of all rules that match, the last one counts: so what is outer comes before what is in it.
This has been checked against the language's rules as far as they are public, and has not been seen to run on a Mac.
"""

import re
from collections.abc import Callable, Sequence

import attrs

from codex.sandbox.policy import Plan

SANDBOX_EXEC = "/usr/bin/sandbox-exec"
_SERVICES = (
    "com.apple.bsd.dirhelper",
    "com.apple.logd",
    "com.apple.system.logger",
    "com.apple.system.notification_center",
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
)
_NETWORK_SERVICES = (
    "com.apple.SecurityServer",
    "com.apple.SystemConfiguration.configd",
    "com.apple.SystemConfiguration.DNSConfiguration",
    "com.apple.networkd",
    "com.apple.ocspd",
    "com.apple.trustd.agent",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/dtracehelper")


def _each(filter_name: str, values: Sequence[str]) -> str:
    return " ".join(f'({filter_name} "{value}")' for value in values)


_ALWAYS = f"""(version 1)
(deny default)
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow user-preference-read)
(allow mach-lookup {_each("global-name", _SERVICES)})
(allow pseudo-tty)
(allow file-read-metadata)
(allow file-read* file-write-data file-ioctl {_each("literal", _DEVICES)})
(allow file-read* file-write* file-ioctl (literal "/dev/ptmx") (regex #"^/dev/ttys[0-9]+$"))
"""
# What programs need to be loaded at all, where the profile does not open everything.
_SYSTEM = ("/System", "/usr", "/bin", "/sbin", "/Library", "/opt", "/private/etc", "/private/var/db/dyld", "/dev")


@attrs.frozen
class Seatbelt:
    """A profile and the values of its parameters."""

    profile: str
    parameters: tuple[tuple[str, str], ...]

    def argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command line that runs the command under the profile."""
        values = (f"-D{name}={value}" for name, value in self.parameters)
        return (SANDBOX_EXEC, "-p", self.profile, *values, "--", *command)


def seatbelt_of(plan: Plan) -> Seatbelt:
    """The profile for a command of this plan, which must be confined."""
    assert plan.mode != "danger-full-access"
    parameters: dict[str, str] = {}

    def place(kind: str, path: str) -> str:
        name = f"{kind}_{sum(known.startswith(kind) for known in parameters)}"
        parameters[name] = path
        return f'(param "{name}")'

    lines: list[str] = []
    if plan.closed:
        lines.append(f"(allow file-read* {_each('subpath', _SYSTEM)})")
    else:
        lines.append("(allow file-read*)")
    for path, kind in _layers(plan):
        match kind:
            case "write":
                root = place("WRITABLE", path)
                lines.append(f"(allow file-read* file-write* (subpath {root}))")
                lines.append(f"(deny file-write-unlink (literal {root}))")
            case "anchor":
                lines.append(f"(deny file-write-unlink (literal {place('ANCHOR', path)}))")
            case "protected":
                lines.append(f"(deny file-write* (subpath {place('PROTECTED', path)}))")
            case "read":
                lines.append(f"(allow file-read* (subpath {place('READABLE', path)}))")
            case _:
                lines.append(f"(deny file-read* file-write* (subpath {place('DENIED', path)}))")
    for pattern in plan.patterns:
        lines.append(f'(deny file-read* file-write* (regex #"{_expression(pattern.base, pattern.expression)}"))')
    lines += _network(plan, place)
    return Seatbelt(_ALWAYS + "\n".join(lines) + "\n", tuple(parameters.items()))


def _layers(plan: Plan) -> list[tuple[str, str]]:
    """Path and kind, outer before inner; of the same path the stricter one last."""
    found = [(path, "read") for path in plan.readable]
    found += [(path, "write") for path in plan.roots]
    found += [(path, "anchor") for path in plan.anchors]
    found += [(item.path, "protected") for item in plan.protected]
    found += [(path, "denied") for path in plan.denied]
    return sorted(found, key=lambda layer: layer[0].rstrip("/").split("/"))


def _expression(base: str, expression: str) -> str:
    """The pattern in the language's own expressions, which know neither look-ahead nor groups without a number.

    A quote or a new line would end the text: any character may stand for it, which denies more and never less.
    """
    below = expression.replace("(?:", "(").replace("(?!/)", "")
    return f"^{re.escape(base.rstrip('/'))}/({below})(/.*)?$".replace('"', ".").replace("\n", ".")


def _network(plan: Plan, place: Callable[[str, str], str]) -> list[str]:
    if not plan.network:
        return []
    lines = [
        "(allow network*)",
        "(allow system-socket)",
        f"(allow mach-lookup {_each('global-name', _NETWORK_SERVICES)})",
        "(deny network-outbound (remote unix-socket))",
        '(allow network-outbound (literal "/private/var/run/mDNSResponder"))',
    ]
    for path in plan.workspace:
        lines.append(f"(allow network-outbound (remote unix-socket (subpath {place('SOCKETS', path)})))")
    return lines
