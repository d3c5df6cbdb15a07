"""The entry point: finds out which command was asked for, and imports nothing else.

`main` is what the installed `codex` calls: it ends the process. `run` is the same without that, for callers in Python.
Exit codes are Codex's: 0 done, 1 failed, 2 the command line was not understood.
"""

import sys

from codex import CODEX_VERSION, __version__

_PATCH_NAMES = ("apply_patch", "applypatch")


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    code = run(sys.argv)
    flushed = _flush()
    if code == 0 and not flushed:
        code = 1
    # Everything of ours is closed by now; taking the interpreter apart would only cost the caller time.
    import os

    os._exit(code)


def run(argv: list[str]) -> int:
    """Run one command line (`argv[0]` is the program's name); returns the exit code and never raises."""
    arguments = argv[1:]
    if len(arguments) == 1 and arguments[0] in ("--version", "-V"):
        return _say_version()
    try:
        name = argv[0].rpartition("/")[2] if argv else ""
        if name in _PATCH_NAMES:
            from codex.cli.commands import run_apply_patch

            return run_apply_patch(arguments)
        from codex.cli.commands import dispatch

        return dispatch(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return 1
    except (Exception, BaseExceptionGroup) as error:  # the border of the program: nothing leaves it as a traceback
        from codex.cli.failure import report

        return report(error)


def _say_version() -> int:
    try:
        sys.stdout.write(f"codex-actors {__version__} (follows Codex {CODEX_VERSION})\n")
        sys.stdout.flush()
    except OSError:
        _drop_stdout()
        return 1
    return 0


def _flush() -> bool:
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # pyright: ignore[reportUnnecessaryComparison]  closed descriptors make it None
                stream.flush()
    except (OSError, ValueError):
        return False
    return True


def _drop_stdout() -> None:
    """Let what is still buffered go nowhere: its reader is gone."""
    import os

    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
    except OSError:
        return


if __name__ == "__main__":
    main()
