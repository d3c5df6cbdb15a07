"""The command `codex`: what a person at a terminal, a script or an SDK touches first.

`codex.cli.main` is the entry point; it imports a command's module only when that command was asked for, so that
`--version` costs nothing. `options` reads the command line, `exec` runs a turn and shows it (as text or JSON lines),
`demo` runs the sample project. Nothing below knows this room.
"""
