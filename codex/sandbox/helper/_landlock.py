"""What a command may touch where there are no user namespaces: rights by path, given by Landlock."""

from __future__ import annotations

import os

from . import _system as system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Confinement

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_BLOCK, _TRUNCATE, _IOCTL_DEV = 64, 2048, 16384, 32768
_ALL_BY_ABI = ((1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (5, 0xFFFF))
_TCP = 3
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def restrict(confinement: Confinement) -> None:
    """Confine this process: everything can be read, only the roots and harmless devices written.

    Raises:
      OSError: the kernel refused a rule.
    """
    abi = system.landlock_abi()
    everything = max(rights for since, rights in _ALL_BY_ABI if since <= abi)
    network = _TCP if abi >= 4 and not confinement.network else 0
    ruleset = system.landlock_ruleset(everything, network, _ABSTRACT_SOCKETS | _SIGNALS if abi >= 6 else 0)
    _allow(ruleset, "/", _EXECUTE | _READ_FILE | _READ_DIR)
    on_device = (_WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV) & everything
    for name in _DEVICES:
        if os.path.exists(f"/dev/{name}"):
            _allow(ruleset, f"/dev/{name}", on_device)
    for root, _, _ in confinement.layers:
        rights = everything & ~(_MAKE_CHAR | _MAKE_BLOCK)
        _allow(ruleset, root, rights if os.path.isdir(root) else rights & (on_device | _EXECUTE))
    system.landlock_restrict(ruleset)
    os.close(ruleset)


def scope_abstract_sockets() -> None:
    """Keep this process from abstract sockets of others, where the kernel can; files are left to the mounts."""
    if system.landlock_abi() >= 6:
        ruleset = system.landlock_ruleset(0, 0, _ABSTRACT_SOCKETS)
        system.landlock_restrict(ruleset)
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    place = system.open_path(os.fsencode(path))
    system.landlock_allow(ruleset, place, access)
    os.close(place)
