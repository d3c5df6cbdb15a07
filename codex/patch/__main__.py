"""`apply_patch` as a program of its own: this file with any Python that has our libraries, however isolated."""

import os
import sys


def main() -> int:
    """Act as the program; the exit code."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from codex.patch import run_standalone

    stdin = sys.stdin.buffer if sys.stdin is not None else None  # pyright: ignore[reportUnnecessaryComparison]
    return run_standalone(sys.argv[1:], stdin, os.getcwd())


if __name__ == "__main__":
    sys.exit(main())
