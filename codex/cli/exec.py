"""`codex exec`: one turn without a conversation.

The order is the start-up: what can be refused cheaply first, the zygote before anything heavy, then the configuration,
the prompt, and only then Trio and the engine. The garbage collector sleeps until the model answers.
"""

import errno
import gc
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import attrs

from codex import __version__
from codex.base.errors import UserError
from codex.cli.failure import Refusal, say
from codex.cli.options import ExecOptions
from codex.cli.signals import StopSignals
from codex.cli.streams import Out, Screen, fill_closed_streams, wants_color, write_file_whole

if TYPE_CHECKING:
    from codex.app_server.door import Door
    from codex.base.jsontext import JsonObject
    from codex.cli.follow import Outcome
    from codex.cli.views import View
    from codex.config import Config
    from codex.ports.thread_client import ThreadClient
    from codex.protocol.op import TurnInput
    from codex.sandbox import Zygote

_ORIGINATOR = "CODEX_INTERNAL_ORIGINATOR_OVERRIDE"
_NOT_TRUSTED = "Not inside a trusted directory and --skip-git-repo-check was not specified."


class NotTrusted(Refusal):
    """The working directory is in no Git repository and nobody said that this is all right."""


def run_exec(options: ExecOptions) -> int:
    """Run the turn that the options ask for; returns the exit code.

    Raises:
      CodexError: it could not be started; once it runs, its failures are shown as events.
    """
    from codex.sandbox import start_zygote

    fill_closed_streams()
    stop = StopSignals()
    gc.disable()
    try:
        zygote = start_zygote()
        config = configure(options)
        for text in config.warnings:
            say(f"warning: {text}")
        _check_directory(options, config)
        schema = _read_schema(options.output_schema)
        only_forks = options.stored == "fork" and options.prompt is None and not options.images
        turn = None if only_forks else _turn(options, schema)
        _check_last_message_file(options.last_message_file)
        view = _view(options, config, stop)
        outcome = _run(options, config, turn, view, stop, zygote)
        if outcome.ok and turn is not None:
            view.answer(outcome.last_message)
            _keep_last_message(options.last_message_file, outcome.last_message)
        return 0 if outcome.ok else 1
    finally:
        gc.enable()
        stop.finish()


def configure(options: ExecOptions) -> "Config":
    """The configuration that the options lead to.

    Raises:
      UserError: files or options are wrong.
    """
    from codex.config import load_config

    cwd = os.path.abspath(options.cd or os.getcwd())
    flags: dict[str, object] = {
        "model": options.model,
        "oss": options.oss,
        "local_provider": options.local_provider,
        "sandbox_mode": options.sandbox,
        "bypass": options.bypass_sandbox,
        "bypass_hook_trust": options.bypass_hook_trust,
        "add_dirs": options.add_dirs,
        "enable": options.config.enable,
        "disable": options.config.disable,
        "ephemeral": options.ephemeral,
        "exec_defaults": True,
    }
    overrides = [*options.config.overrides]
    if options.approve_for_me:
        flags |= {"approval_policy": "on-request", "sandbox_mode": options.sandbox or "workspace-write"}
        overrides.append('approvals_reviewer="auto_review"')
    else:
        flags["never_asks"] = True  # As in Codex, another policy in a file or in `-c` does not change that.
    load = partial(
        load_config,
        cwd=cwd,
        flags=flags,
        profile=options.config.profile,
        environ=os.environ,
        ignore_user_config=options.ignore_user_config,
        strict=options.strict_config,
    )
    config = load(overrides=overrides)
    if options.trust and not config.trusted:
        trusted = _trust(config)
        config = load(overrides=[*overrides, f'projects."{_toml_text(trusted)}".trust_level="trusted"'])
    return attrs.evolve(config, ignore_rules=True) if options.ignore_rules else config


def _trust(config: "Config") -> str:
    """Keep that the project is trusted; where that is impossible, it is trusted in this run. The directory."""
    from codex.config.trust_answer import save_trust, trust_target

    if config.trust_level == "untrusted":
        where = os.path.join(config.codex_home, "config.toml")
        raise UserError(f"--trust: {trust_target(config)} is marked as untrusted; change that in {where} first")
    try:
        return save_trust(config, "trusted", home=os.path.expanduser("~"))
    except UserError as error:
        say(f"warning: --trust counts for this run only: {error}")
        return trust_target(config)


def _toml_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _check_directory(options: ExecOptions, config: "Config") -> None:
    if options.skip_git_repo_check or options.bypass_sandbox or options.trust or config.trusted:
        return
    directory = config.cwd
    while not _is_repository(directory):
        above = os.path.dirname(directory)
        if above == directory:
            raise NotTrusted(_NOT_TRUSTED)
        directory = above


def _is_repository(directory: str) -> bool:
    """Whether the directory is the top of a Git repository or worktree; an empty `.git` makes none, as for git."""
    place = os.path.join(directory, ".git")
    return os.path.isfile(place) or os.path.lexists(os.path.join(place, "HEAD"))


def _read_schema(path: str | None) -> "JsonObject | None":
    if path is None:
        return None
    from codex.base.jsontext import decode

    try:
        with open(path, "rb") as file:
            value = decode(file.read())
    except OSError as error:
        raise UserError(f"--output-schema: cannot read {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"--output-schema: {path!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"--output-schema: {path!r} holds no JSON object, and a schema is one")
    return value


def _turn(options: ExecOptions, schema: "JsonObject | None") -> "TurnInput":
    from codex.cli.prompt import read_prompt
    from codex.protocol.op import TurnInput
    from codex.protocol.user_input import LocalImageInput, TextInput

    images = [os.path.abspath(path) for path in options.images]
    for path in images:
        if not os.path.isfile(path):
            raise UserError(f"--image: {path!r} is no file; name an image that exists")
    text = read_prompt(options.prompt, resuming=bool(options.stored), may_be_empty=bool(images))
    texts = [TextInput(text)] if text else []
    return TurnInput((*map(LocalImageInput, images), *texts), output_schema=schema)


def _view(options: ExecOptions, config: "Config", stop: StopSignals) -> "View":
    out = Out(1)
    if options.json:
        from codex.cli.views import JsonView

        # OpenAI's SDK for TypeScript aborts by SIGTERM: its callers wait for an AbortError, which a line would hide.
        of_sdk = os.environ.get(_ORIGINATOR) == "codex_sdk_ts"
        return JsonView(out, ends_silently=lambda: of_sdk and stop.received == signal.SIGTERM)
    from codex.cli.exec_human import HumanText
    from codex.cli.human_view import HumanView

    reasoning = "raw" if config.show_raw_agent_reasoning else "summary"
    text = HumanText(
        f"codex-actors {__version__}",
        color=wants_color(options.color),
        reasoning=None if config.hide_agent_reasoning else reasoning,
    )
    return HumanView(out, Screen(Out(2)), text)


def _run(
    options: ExecOptions, config: "Config", turn: "TurnInput | None", view: "View", stop: StopSignals, zygote: "Zygote"
) -> "Outcome":
    import trio

    from codex.app_server.door import open_door
    from codex.cli.follow import follow_turn
    from codex.cli.logs import open_program_log
    from codex.cli.sandbox_warning import warn_of_refusals

    originator = os.environ.get(_ORIGINATOR) or "codex_exec"

    async def run() -> "Outcome":
        async with (
            open_door(config, environ=os.environ, originator=originator, zygote=zygote) as door,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(warn_of_refusals, config, zygote, say)
            thread = await _open_thread(door, options)
            outcome = await (_show_thread(thread, view) if turn is None else follow_turn(thread, turn, view, stop))
            if door.agents_at_work:
                say(f"stopped with the turn, still at work: {', '.join(door.agents_at_work)}; a resume has them again")
            nursery.cancel_scope.cancel()
        return outcome

    with open_program_log(config):
        return trio.run(run)


async def _open_thread(door: "Door", options: ExecOptions) -> "ThreadClient":
    if not options.stored:
        return await door.start_thread()
    thread_id = options.stored_id
    if thread_id is None:
        from codex.rollout import newest

        thread_id = newest(door.config.codex_home, cwd=None if options.stored_all else door.config.cwd)
    if thread_id is None:
        if options.stored == "fork":
            raise UserError("there is no session to fork; 'codex sessions list --all' shows those of other directories")
        return await door.start_thread()
    if options.stored == "fork":
        return await door.fork_thread(thread_id, turn=options.fork_turn, before=options.fork_before)
    return await door.resume_thread(thread_id)


async def _show_thread(thread: "ThreadClient", view: "View") -> "Outcome":
    """Show how the thread begins, and no turn."""
    from codex.cli.follow import Outcome
    from codex.protocol.event import SessionConfigured

    async with thread.open_events() as events:
        async for event in events:
            if isinstance(event.msg, SessionConfigured):
                view.show(event.msg)
                break
    return Outcome(ok=True)


def _check_last_message_file(path: str | None) -> None:
    """Make the file: a place that cannot be written is told before the model is asked."""
    if path is None:
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666))
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe that nobody reads yet
            return
        raise UserError(f"--output-last-message: cannot write {path!r}: {error.strerror}") from error


def _keep_last_message(path: str | None, message: str | None) -> None:
    if path is None:
        return
    try:
        write_file_whole(path, message or "")
    except OSError as error:
        say(f"Failed to write the last message to {path!r}: {error.strerror or error}")
        return
    if message is None:
        say(f"Warning: the agent said nothing; {path!r} is empty now")
