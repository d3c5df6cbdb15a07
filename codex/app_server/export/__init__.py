"""The protocol for other languages: JSON Schema and TypeScript, made from the classes of `codex.app_server.api`.

What both are made of is decided without input and output; `write_files` puts the texts into a folder.
"""

from pathlib import Path

from codex.app_server.export.json_schema import json_schema_files
from codex.app_server.export.typescript import typescript_files

__all__ = ["json_schema_files", "typescript_files", "write_files"]


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write texts below a folder, which is made where it is missing; other files there are left alone.

    Raises:
      OSError: the folder cannot be made or written into.
    """
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
