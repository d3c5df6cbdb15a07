"""`codex demo`: the whole of it on a small project, with a scripted model, so that it needs no key and no network.

Real are the sandboxed commands, the patch, the sub-agent, the rollout and the tests; only the model's words come from
demo_script.json, and even there paths, lines and values are taken from what the tools really said. The demo runs the
project's tests once more by itself at the end and fails when they do.
"""

import os
import shutil
import tempfile
from functools import partial

from codex import __version__
from codex.base.errors import CodexError, UserError
from codex.cli._arguments import Parsed
from codex.cli._help import print_help
from codex.cli._shades import Shades
from codex.cli.demo_files import TestRun, fill, run_tests, snapshot_tests
from codex.cli.demo_options import demo_parser
from codex.cli.demo_sandbox import SandboxChoice, choose_sandbox, look_at_machine
from codex.cli.exec_human import HumanText
from codex.cli.failure import say
from codex.cli.follow import Outcome, follow_turn
from codex.cli.human_view import HumanView
from codex.cli.logs import open_program_log
from codex.cli.signals import StopSignals
from codex.cli.streams import Out, Screen, fill_closed_streams, wants_color
from codex.cli.views import JsonView, View
from codex.config import Config, load_config
from codex.protocol.event import EventMsg, SessionConfigured
from codex.protocol.op import TurnInput
from codex.protocol.user_input import TextInput

PROMPT = "The tests of this project fail. Find out why, repair it, and prove that it is repaired."
_PROJECT = "invoice"
_HERE = os.path.dirname(os.path.abspath(__file__))


class DemoFailed(CodexError):
    """The project's tests do not pass at the end, or the turn did not come to its end."""


class _Remembering:
    """A view that passes everything on and remembers where the rollout is."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.rollout_path: str | None = None

    def show(self, msg: EventMsg) -> None:
        if isinstance(msg, SessionConfigured):
            self.rollout_path = msg.rollout_path
        self._view.show(msg)

    def tick(self, seconds: float) -> None:
        self._view.tick(seconds)

    def cut_off(self, message: str) -> None:
        self._view.cut_off(message)

    def answer(self, text: str | None) -> None:
        self._view.answer(text)


def run_demo(arguments: list[str]) -> int:
    """Run the demo; returns the exit code.

    Raises:
      UserError: an option cannot be followed.
      DemoFailed: it did not work.
    """
    line = demo_parser.parse(arguments)
    if line.has("help"):
        about = ["Watch an agent repair a small project. The model is scripted; all else is real.", ""]
        return print_help([*about, "Usage: codex demo [OPTIONS]"], demo_parser)
    if line.positionals:
        raise demo_parser.fail(f"unexpected argument {line.positionals[0]!r} found; the demo has a prompt of its own")
    fill_closed_streams()
    base, keep = _base_directory(line)
    project = os.path.join(base, _PROJECT)
    remove = partial(shutil.rmtree, base, ignore_errors=True)
    stop = StopSignals(cleanup=None if keep else remove)
    worked = False
    try:
        worked = _Demo(line, base, stop, keep=keep).run()
    finally:
        stop.finish()
        if (worked and not keep) or not os.path.exists(project):
            remove()
        elif not worked:
            say(f"The project as the agent left it: {project}")
    return 0 if worked else 1


def _base_directory(line: Parsed) -> tuple[str, bool]:
    directory = line.one("dir")
    if directory is None:
        return os.path.realpath(tempfile.mkdtemp(prefix="codex-demo-")), line.has("keep")
    directory = os.path.abspath(directory)
    try:
        os.makedirs(directory, exist_ok=True)
        if os.listdir(directory):
            raise UserError(f"--dir: {directory!r} is not empty; name a new directory")
    except OSError as error:
        raise UserError(f"--dir: {directory!r} cannot be used: {error.strerror}") from error
    return os.path.realpath(directory), True


class _Demo:
    def __init__(self, line: Parsed, base: str, stop: StopSignals, *, keep: bool) -> None:
        self._keep, self._stop = keep, stop
        self._project, self._home = os.path.join(base, _PROJECT), os.path.join(base, "codex-home")
        self._source = os.path.abspath(line.one("project") or os.path.join(_HERE, "demo_project"))
        self._no_sandbox = line.has("no-sandbox")
        self._json = line.has("json")
        self._out = Out(2 if self._json else 1)
        color = wants_color(line.one("color") or "auto", 2 if self._json else 1)
        self._screen, self._shades = Screen(self._out), Shades(on=color)
        text = HumanText(f"codex-actors {__version__}", color=color)
        self._view = _Remembering(JsonView(Out(1)) if self._json else HumanView(self._out, self._screen, text))

    def run(self) -> bool:
        """All of it: prepare, show the failing tests, let the agent work, run the tests again."""
        choice = choose_sandbox(look_at_machine(), no_sandbox=self._no_sandbox)
        for note in choice.notes:
            self._tell(self._shades.yellow(note))
        os.makedirs(self._home, mode=0o700)
        fill(self._project, self._source)
        tests = snapshot_tests(self._project)
        before = run_tests(self._project)
        self._tell(f"A small project is in {self._project}. Its tests: {self._shown(before)}.")
        self._tell("An agent repairs it now. Its model is scripted; commands, sandbox, patch and sub-agent are real.\n")
        outcome = self._let_agent_work(self._config(choice))
        after = run_tests(self._project)
        self._tell(f"\nThe tests, run once more by the demo itself: {self._shown(after)}.")
        self._tell_where()
        if not outcome.ok:
            raise DemoFailed("the demo failed: the agent's turn did not come to a good end; see above")
        if snapshot_tests(self._project) != tests:
            raise DemoFailed("the demo failed: the agent has changed the tests")
        if not after.ok:
            raise DemoFailed(f"the demo failed: the project's tests do not pass\n{after.output}")
        return True

    def _tell(self, text: str) -> None:
        self._screen.add(f"{text}\n")

    def _shown(self, run: TestRun) -> str:
        return (self._shades.green if run.ok else self._shades.red)(run.summary)

    def _tell_where(self) -> None:
        if self._keep:
            self._tell(f"Kept: the project in {self._project}")
            self._tell(f"      the thread's rollout in {self._view.rollout_path}")
        else:
            self._tell("'codex demo --keep' keeps the project and the thread's rollout.")

    def _config(self, choice: SandboxChoice) -> Config:
        from codex.base.jsontext import encode

        script, models = os.path.join(_HERE, "demo_script.json"), os.path.join(_HERE, "demo_models.json")
        overrides = [
            f"model_script={encode(script)}",
            f"model_catalog_json={encode(models)}",
            "tools.update_plan.enabled=true",
            "sandbox_workspace_write.exclude_slash_tmp=true",
            "sandbox_workspace_write.exclude_tmpdir_env_var=true",
            *choice.overrides,
        ]
        flags = {
            "model": "scripted",
            "model_provider": "scripted",
            "sandbox_mode": choice.mode,
            "exec_defaults": True,
        }
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CODEX_")}
        return load_config(codex_home=self._home, cwd=self._project, overrides=overrides, flags=flags, environ=environ)

    def _let_agent_work(self, config: Config) -> Outcome:
        import trio

        from codex.app_server.door import open_door

        async def run() -> Outcome:
            async with open_door(config, environ=os.environ, originator="codex_demo") as door:
                thread = await door.start_thread()
                turn = TurnInput((TextInput(PROMPT),))
                return await follow_turn(thread, turn, self._view, self._stop)

        with open_program_log(config):
            return trio.run(run)
