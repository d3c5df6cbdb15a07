"""Where other programs listen: what is hidden from a command that has the network.

With the network off no command gets a socket with an address, so there is nothing to hide. With it on, a socket of
somebody else can be worth more than any file: Docker's is as good as root, an agent for keys signs for its user.
Every socket that is bound when a command starts is hidden by the helper; here are the places where further ones
appear later, and what of them stays, since names of hosts could not be looked up without it.
"""

import os
from collections.abc import Mapping

_DIRECTORIES = ("/run", "/var/run", "/tmp/.X11-unix", "/tmp/.ICE-unix")
_GNUPG = ("S.gpg-agent", "S.gpg-agent.browser", "S.gpg-agent.extra", "S.gpg-agent.ssh", "S.keyboxd", "S.scdaemon")
KEPT = (
    "/run/systemd/resolve/stub-resolv.conf",
    "/run/systemd/resolve/resolv.conf",
    "/run/resolvconf/resolv.conf",
    "/run/NetworkManager/resolv.conf",
    "/run/NetworkManager/no-stub-resolv.conf",
    "/run/connman/resolv.conf",
    "/run/current-system",
    "/run/wrappers",
    "/run/opengl-driver",
)
"""What of `/run` can be read all the same; no sockets are in it."""


def socket_directories(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The directories that hold the sockets of other programs; of the command's environment, since it names some."""
    return tuple(dict.fromkeys(_absolute([*_DIRECTORIES, environ.get("XDG_RUNTIME_DIR", "")])))


def sockets_named(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Sockets of agents and servers that the environment names, or that stand where they always do."""
    home = environ.get("HOME", "")
    gnupg = environ.get("GNUPGHOME") or os.path.join(home, ".gnupg")
    buses = environ.get("DBUS_SESSION_BUS_ADDRESS", "").split(";")
    named = [
        environ.get("SSH_AUTH_SOCK", ""),
        *(os.path.join(gnupg, name) for name in _GNUPG),
        os.path.join(home, ".docker/run/docker.sock"),
        environ.get("DOCKER_HOST", "").removeprefix("unix://"),
        *(bus.removeprefix("unix:path=").partition(",")[0] for bus in buses),
    ]
    return tuple(dict.fromkeys(_absolute(named)))


def _absolute(paths: list[str]) -> list[str]:
    return [os.path.normpath(path) for path in paths if path.startswith("/")]
