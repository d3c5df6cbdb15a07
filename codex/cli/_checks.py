"""What `codex doctor` looks at, one function a check."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from codex import CODEX_VERSION, __version__
from codex.base.errors import CodexError
from codex.cli._arguments import Parsed
from codex.cli.options import ConfigFlags

if TYPE_CHECKING:
    from codex.config import Config
    from codex.sandbox import DirectLauncher, ZygoteLauncher

Status: TypeAlias = Literal["ok", "warning", "fail"]
_OLDEST = (3, 11)
_PROBE_WITHIN = 20.0


@attrs.frozen
class Check:
    """What one look gave; `remedy` is empty where nothing is to be done."""

    id: str
    status: Status
    summary: str
    details: Mapping[str, str] = attrs.field(factory=dict[str, str])
    remedy: str = ""
    duration_ms: int = 0


def check_place(line: Parsed, before: Parsed, environ: Mapping[str, str]) -> Iterator[Check]:
    """The program, its files, its configuration and its key."""
    yield _timed(_check_runtime)
    yield _timed(lambda: _check_home(environ))
    loaded: list[Config] = []
    yield _timed(lambda: _check_config(line, before, environ, loaded))
    if loaded:
        yield _timed(lambda: _check_auth(loaded[0], environ))


def check_machine() -> Iterator[Check]:
    """The sandbox, tried for real, and the programs that agents use."""
    yield from _check_sandbox()
    yield _timed(_check_git)
    yield _timed(_check_shell)


def _timed(check: Callable[[], Check]) -> Check:
    began = time.monotonic()
    found = check()
    return attrs.evolve(found, duration_ms=round((time.monotonic() - began) * 1000))


def _check_runtime() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    details = {"version": __version__, "follows": f"Codex {CODEX_VERSION}", "python": f"{version} ({sys.executable})"}
    if sys.version_info < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        return Check("runtime.python", "fail", f"Python {version} is too old", details, f"use Python {wanted} or newer")
    return Check("runtime.python", "ok", f"Python {version} on {sys.platform}", details)


def _check_home(environ: Mapping[str, str]) -> Check:
    from codex.config import find_codex_home

    try:
        home = find_codex_home(environ)
    except CodexError as error:
        return Check("state.home", "fail", "CODEX_HOME cannot be used", remedy=str(error))
    details = {"CODEX_HOME": home}
    place = home if os.path.isdir(home) else os.path.dirname(home)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        return Check("state.home", "fail", f"cannot write in {place}: {why}", details, "correct its rights or owner")
    free = shutil.disk_usage(place).free
    details["free"] = f"{free / 2**30:.1f} GiB"
    if free < 2**30:
        return Check("state.home", "warning", "less than 1 GiB is free", details, "make room: threads are kept there")
    return Check("state.home", "ok", "can be written" if place == home else "will be made when it is needed", details)


def _check_config(line: Parsed, before: Parsed, environ: Mapping[str, str], loaded: "list[Config]") -> Check:
    from codex.config import load_config

    flags = ConfigFlags(before, line)
    chosen = {"enable": flags.enable, "disable": flags.disable, "sandbox_mode": before.one("sandbox")}
    try:
        config = load_config(
            cwd=os.path.abspath(before.one("cd") or os.getcwd()),
            overrides=flags.overrides, flags=chosen, profile=flags.profile, environ=environ,
        )  # fmt: skip
    except CodexError as error:
        return Check(
            "config.load", "fail", "the configuration is wrong", {"faults": str(error)}, "correct what it says"
        )
    loaded.append(config)
    policy = config.sandbox_policy
    details = {
        "cwd": config.cwd,
        "model": f"{config.model or '(none named)'} from {config.model_provider}",
        "sandbox": policy.profile or policy.mode,
        "network": "on" if policy.network else "off",
        "denied reading": str(sum(entry.access == "deny" for entry in policy.entries or ())),
    }
    if config.warnings:
        return Check("config.load", "warning", "loaded, with warnings", details, "; ".join(config.warnings))
    return Check("config.load", "ok", "loaded", details)


def _check_auth(config: "Config", environ: Mapping[str, str]) -> Check:
    provider = config.model_providers[config.model_provider]
    details = {"provider": provider.id}
    if provider.wire_api == "scripted" or not (provider.env_key or provider.requires_openai_auth):
        return Check("auth.credentials", "ok", f"{provider.name} needs none that is known here", details)
    if provider.env_key:
        details["variable"] = provider.env_key
        if environ.get(provider.env_key):
            return Check("auth.credentials", "ok", "the variable of the provider is set", details)
        remedy = provider.env_key_instructions or f"set {provider.env_key}"
        return Check("auth.credentials", "fail", f"{provider.env_key} is not set", details, remedy)
    from codex.model.auth import login_status

    try:
        status = login_status(config.codex_home, environ, now=time.time())
    except CodexError as error:
        return Check("auth.credentials", "fail", "the kept login cannot be used", details, str(error))
    if status.logged_in:
        return Check("auth.credentials", "ok", status.text.partition(" - ")[0], details)
    remedy = "set OPENAI_API_KEY, or keep a key: printenv OPENAI_API_KEY | codex login --with-api-key"
    return Check("auth.credentials", "fail", "no key and no login", details, remedy)


def _check_sandbox() -> Iterator[Check]:
    import trio

    from codex.sandbox import Description, open_launcher

    began = time.monotonic()

    async def look() -> "tuple[Description, Check | None]":
        async with open_launcher() as launcher:
            level = await launcher.describe()
            return level, None if level.level == "none" else await _probe(launcher)

    try:
        level, probe = trio.run(look)
    except (CodexError, BaseExceptionGroup, OSError) as error:
        yield Check("sandbox.level", "fail", f"nothing can be started: {error}", remedy="see the log of the machine")
        return
    status: Status = {"namespaces": "ok", "seatbelt": "warning", "landlock": "warning", "none": "fail"}[level.level]  # type: ignore[assignment]
    details = {f"not protected {number}": gap for number, gap in enumerate(level.unprotected, 1)}
    yield Check("sandbox.level", status, f"{level.level}: {level.summary}", details, level.remedy)
    if probe is not None:
        yield attrs.evolve(probe, duration_ms=round((time.monotonic() - began) * 1000))


async def _probe(launcher: "ZygoteLauncher | DirectLauncher") -> Check:
    """Run a command that writes where it may and where it may not, and look at what it left."""
    import trio

    from codex.ports.process import Launch
    from codex.protocol.permission import SandboxPolicy

    with tempfile.TemporaryDirectory(prefix="codex-doctor-") as base:
        inside, outside = os.path.join(base, "inside"), os.path.join(base, "outside")
        os.mkdir(inside)
        os.mkdir(outside)
        sandbox = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
        script = "echo x > file; echo x > ../outside/file"
        launch = Launch(("/bin/sh", "-c", script), inside, {"PATH": os.defpath}, inside, sandbox)
        launch = attrs.evolve(launch, allow_unprotected_git=True)
        null = os.open(os.devnull, os.O_RDWR)
        try:
            with trio.fail_after(_PROBE_WITHIN):
                child = await launcher.launch_with(launch, (null, null, null))
                try:
                    await child.wait_exit()
                finally:
                    child.kill()
                    child.close()
        except (CodexError, trio.TooSlowError) as error:
            return Check("sandbox.probe", "fail", f"a confined command could not be run: {error}")
        finally:
            os.close(null)
        wrote, escaped = os.path.exists(os.path.join(inside, "file")), os.listdir(outside)
    if escaped:
        return Check("sandbox.probe", "fail", "a confined command could write outside", remedy="do not rely on it")
    if not wrote:
        return Check("sandbox.probe", "fail", "a confined command could not write in its workspace")
    return Check("sandbox.probe", "ok", "a confined command wrote in its workspace and was refused outside")


def _check_git() -> Check:
    path = shutil.which("git")
    if path is None:
        return Check("git", "warning", "there is no git", remedy="install it: agents compare and repair with it")
    return Check("git", "ok", path)


def _check_shell() -> Check:
    from codex.processes import user_shell

    shell = user_shell(os.environ)
    found = {name: shutil.which(name) or "missing" for name in ("bash", "zsh", "sh")}
    if not os.access(shell, os.X_OK):
        return Check("shell", "fail", f"{shell} cannot be run", found, "install bash, or set SHELL")
    return Check("shell", "ok", f"commands run with {shell}", found)
