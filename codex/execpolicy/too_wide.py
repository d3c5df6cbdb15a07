"""Prefixes that should not be allowed for ever, because anything may stand behind them.  Pure.

    a shell, an interpreter, a program that says nothing yet: alone, or with options    bash   bash -lc   python3   git
    what a package manager or a container runs, another machine                         npm run   docker exec   ssh x
    what deletes or overwrites, whatever stands behind it                               rm   dd   mkfs.ext4
    one of these behind a program that runs what stands behind it                       sudo   env A=1 bash   xargs rm

It guards a suggestion; what a user writes into a rules file is the user's.
"""

import os
import re
from collections.abc import Sequence

_OPEN = frozenset(
    "bash sh zsh dash ksh fish csh tcsh ash pwsh powershell cmd nu xonsh"
    " python pypy py python3 pypy3 pythonw pyw node nodejs deno bun perl ruby php lua osascript Rscript julia tclsh"
    " git npm npx pnpm pnpx bunx yarn uv uvx pipx poetry pipenv pdm hatch rye conda cargo go dotnet bundle nix make"
    " just ssh docker podman kubectl brew apt apt-get pip pip3 systemctl gh find awk gawk mawk sed trap eval source ."
    " script expect busybox gdb parallel watch".split()
)
_OPEN_WITH_ONE_WORD = frozenset(
    tuple(pair.split())
    for pair in (
        "npm run, npm exec, npm x, pnpm run, pnpm exec, pnpm dlx, yarn run, yarn exec, yarn dlx, bun run, bun x,"
        " uv run, poetry run, pipenv run, pdm run, hatch run, rye run, conda run, cargo run, go run, deno run,"
        " dotnet run, bundle exec, nix run, nix shell, docker run, docker exec, podman run, podman exec, kubectl exec"
    ).split(", ")
)
_DESTROYS = frozenset("rm dd shred mkfs wipefs fdisk parted".split())
_RUNS_THE_REST = frozenset(
    "sudo doas env nice ionice nohup setsid stdbuf timeout time xargs strace ltrace exec command builtin chroot unshare"
    " nsenter bwrap su runuser".split()
)
_TAKE_A_WORD = ("-u", "-g", "-C", "--user", "--group", "--chdir")
_VERSION = re.compile(r"[0-9][0-9.]*$")
_NO_COMMAND = re.compile(r"-|[A-Za-z_]\w*=|[0-9.]+[smhd]?$")


def is_too_wide(prefix: Sequence[str]) -> bool:
    """Whether an allow rule for `prefix` would allow nearly anything, or removals."""
    words = list(prefix)
    while words:
        program = os.path.basename(words.pop(0)).removesuffix(".exe")
        name = program if program in _OPEN else _VERSION.sub("", program)
        if name.partition(".")[0] in _DESTROYS:
            return True
        if name in _RUNS_THE_REST:
            while words and _NO_COMMAND.match(words[0]):
                del words[: 2 if words[0] in _TAKE_A_WORD else 1]
            continue
        said = [word for word in words if not word.startswith("-") and word.lower() != "/c"]
        if len(said) == 1:
            return name == "ssh" or (name, said[0]) in _OPEN_WITH_ONE_WORD
        return name in _OPEN and not said
    return True
