"""Where rules files are; light, so that a start without rules loads nothing more."""

import os
from collections.abc import Sequence
from pathlib import Path

_SUFFIX = ".rules"


def rules_files(directories: Sequence[str | Path]) -> list[str]:
    """Every `*.rules` file of these directories, in their order, and by name inside of each.

    Raises:
      OSError: a directory is there and cannot be listed.
    """
    found: list[str] = []
    for directory in directories:
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            if os.path.lexists(directory):  # else something above it is a file: there is no such directory
                raise
            continue
        paths = [os.path.join(directory, name) for name in names if name.endswith(_SUFFIX) and name != _SUFFIX]
        found += [path for path in paths if not os.path.isdir(path)]
    return found
