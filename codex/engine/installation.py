"""The id under which this installation is known to model servers: random, made once, kept in CODEX_HOME."""

import os
import uuid


def installation_id(codex_home: str) -> str:
    """The id in `$CODEX_HOME/installation_id`, made at the first call; one for this run where it cannot be kept."""
    path = os.path.join(codex_home, "installation_id")
    try:
        with open(path, encoding="ascii") as file:
            return str(uuid.UUID(file.read(64).strip()))
    except (OSError, ValueError):
        made = str(uuid.uuid4())
    try:
        os.makedirs(codex_home, mode=0o700, exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(made)
    except OSError:
        pass
    return made
