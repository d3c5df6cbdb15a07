"""The options of `codex` and `codex exec`, and what a command line of theirs means.

Every option of Codex's is here: accepted, or refused by name with the reason and the way out.
"""

from codex.cli._arguments import Option, Parsed, Parser

SANDBOX_MODES = ("read-only", "workspace-write", "danger-full-access")
LOCAL_PROVIDERS = ("lmstudio", "ollama")
_PROGRAMS = ("standard", "daybreak_blue", "daybreak_red")
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")

_CONFIG = [
    Option(
        "config", "Override a configuration value; VALUE is TOML, or text", short="c", metavar="KEY=VALUE", many=True
    ),
    Option("enable", "Turn a feature on (same as -c features.NAME=true)", metavar="FEATURE", many=True),
    Option("disable", "Turn a feature off (same as -c features.NAME=false)", metavar="FEATURE", many=True),
    Option("profile", "Use this profile of config.toml", short="p", metavar="PROFILE"),
]

_SHARED = [
    *_CONFIG,
    Option("image", "Attach image files to the prompt: repeat it, or use commas", short="i", metavar="FILE", many=True),
    Option("model", "The model to use", short="m", metavar="MODEL"),
    Option("oss", "Use a local model server (see --local-provider)"),
    Option("local-provider", "The local server for --oss", metavar="PROVIDER", choices=LOCAL_PROVIDERS),
    Option("sandbox", "What commands may write", short="s", metavar="MODE", choices=SANDBOX_MODES),
    Option(
        "dangerously-bypass-approvals-and-sandbox yolo",
        "Run every command without a sandbox; only where the machine itself is the sandbox",
    ),
    Option("cd", "Work in this directory", short="C", metavar="DIR"),
    Option("add-dir", "A further directory that may be written in workspace-write", metavar="DIR", many=True),
    Option("strict-config", "Refuse configuration keys that this version does not know"),
    Option("approve-for-me", "Let the model review what would be asked; workspace-write unless '-s' says otherwise"),
    Option("full-auto", refusal="Codex has given it up; use '-s workspace-write'", hidden=True),
    Option("dangerously-bypass-hook-trust", "Run hooks without asking whether you trust them"),
    Option("worktree", refusal="make one with 'git worktree add DIR' and name it with '-C DIR'"),
]  # fmt: skip

ROOT_ONLY = [
    Option(
        "ask-for-approval", "Accepted; exec never asks", short="a", metavar="POLICY", choices=("on-request", "never")
    ),
    Option("search", refusal="no web search is there yet"),
    Option("remote", metavar="ADDR", refusal="there is no app-server to connect to yet"),
    Option("no-alt-screen", refusal="there is no full-screen interface yet"),
    Option("version", "Print the version", short="V"),
    Option("help", "Print this", short="h"),
]

EXEC_ONLY = [
    Option("skip-git-repo-check", "Run outside of a Git repository too"),
    Option("trust", "Trust this project from now on: its own configuration counts, no repository is needed"),
    Option("ephemeral", "Keep no record of the thread on disk"),
    Option("ignore-user-config", "Leave $CODEX_HOME/config.toml unread"),
    Option("ignore-rules", "Leave .rules files unread"),
    Option("output-schema", "A file with the JSON Schema that the final answer must follow", metavar="FILE"),
    Option("color", "When to use colors", metavar="WHEN", choices=("always", "never", "auto")),
    Option("json experimental-json", "Print events as JSON lines"),
    Option("output-last-message", "Write the agent's last message to this file", short="o", metavar="FILE"),
    Option("thread-source", "Where the thread comes from; kept for SDKs", metavar="SOURCE"),
    Option("cyber-access-program", "Accepted for SDKs; without effect here", metavar="PROGRAM", choices=_PROGRAMS),
    Option("last", "resume, fork: the newest thread of this directory"),
    Option("all", "resume, fork: with --last, the newest of every directory"),
    Option("turn", "fork: the last turn that comes along, by its number or id", metavar="TURN"),
    Option("before", "fork: the first turn that does not come along", metavar="TURN"),
    Option("include-non-interactive", "Accepted; every session counts", hidden=True),
    Option("version", "Print the version", short="V"),
    Option("help", "Print this", short="h"),
]

# An SDK puts `resume ID` behind the options and `--image` behind that, so one list serves on both sides of it.
root_parser = Parser("codex", [*_SHARED, *ROOT_ONLY])
exec_parser = Parser("codex exec", [*_SHARED, *EXEC_ONLY])
config_options = _CONFIG
_STORED = ("resume", "fork")
PARSERS = {"": root_parser, **dict.fromkeys(("exec", "exec resume", "exec fork", *_STORED), exec_parser)}

_EXEC_REFUSED = {
    "review": "write what to look at: codex exec 'Review the uncommitted changes of this repository'",
}


class ConfigFlags:
    """The flags that change the configuration, in the order given; the command's own come after those before it."""

    def __init__(self, *lines: Parsed) -> None:
        self.overrides: list[str] = [pair for line in lines for pair in line.all("config")]
        self.enable: list[str] = [name for line in lines for name in line.all("enable")]
        self.disable: list[str] = [name for line in lines for name in line.all("disable")]
        self.profile = _last(lines, "profile")


class ExecOptions:
    """One `codex exec`, as it was asked for."""

    def __init__(self, *lines: Parsed) -> None:
        self.config = ConfigFlags(*lines)
        self.model = _last(lines, "model")
        self.oss = _any(lines, "oss")
        self.local_provider = _last(lines, "local-provider")
        self.sandbox = _last(lines, "sandbox")
        self.approve_for_me = _any(lines, "approve-for-me")
        self.bypass_sandbox = _any(lines, "dangerously-bypass-approvals-and-sandbox")
        self.bypass_hook_trust = _any(lines, "dangerously-bypass-hook-trust")
        self.cd = _last(lines, "cd")
        self.add_dirs: list[str] = [path for line in lines for path in line.all("add-dir")]
        self.images: list[str] = []
        self.strict_config = _any(lines, "strict-config")
        self.skip_git_repo_check = _any(lines, "skip-git-repo-check")
        self.trust = _any(lines, "trust")
        self.ephemeral = _any(lines, "ephemeral")
        self.ignore_user_config = _any(lines, "ignore-user-config")
        self.ignore_rules = _any(lines, "ignore-rules")
        self.output_schema = _last(lines, "output-schema")
        self.color = _last(lines, "color") or "auto"
        self.json = _any(lines, "json")
        self.last_message_file = _last(lines, "output-last-message")
        self.thread_source = _last(lines, "thread-source")
        self.stored = ""  # "resume" or "fork"
        self.stored_id: str | None = None  # an id or a name; None for the newest
        self.stored_all = _any(lines, "all")
        self.fork_turn = _last(lines, "turn")
        self.fork_before = _last(lines, "before")
        self.help = _any(lines, "help")
        self.version = _any(lines, "version")
        self.prompt: str | None = None


def _last(lines: tuple[Parsed, ...], key: str) -> str | None:
    for line in reversed(lines):
        value = line.one(key)
        if value is not None:
            return value
    return None


def _any(lines: tuple[Parsed, ...], key: str) -> bool:
    return any(line.has(key) for line in lines)


def read_exec(arguments: list[str], before: Parsed | None = None) -> ExecOptions:
    """The options behind `exec`, with those `before` it; behind `resume` and `fork` an option may stand once more.

    Raises:
      UsageError: the line cannot be understood; `--help` and `--version` are left to the caller.
    """
    lines = [] if before is None else [before]
    line = exec_parser.parse(_images_gathered(arguments), stop_at_positional=True)
    command = line.rest[0] if line.rest else ""
    if command in _EXEC_REFUSED and len(line.rest) <= 2:
        raise exec_parser.fail(f"'exec {command}' is not offered by this version: {_EXEC_REFUSED[command]}")
    if command == "help" and len(line.rest) == 1:
        line.values["help"] = [""]
    elif command in _STORED:
        lines.append(line)
        line = exec_parser.parse(line.rest[1:])
    elif line.rest:
        line = exec_parser.parse(_images_gathered(arguments))
    lines.append(line)
    options = ExecOptions(*lines)
    options.images = [path for part in lines for value in part.all("image") for path in value.split(",") if path]
    options.stored = command if command in _STORED else ""
    _read_positionals(options, line.positionals, last=any(part.has("last") for part in lines))
    if options.local_provider is not None and not options.oss:
        raise exec_parser.fail("'--local-provider' says which server '--oss' uses; give both")
    return options


def _read_positionals(options: ExecOptions, positionals: list[str], *, last: bool) -> None:
    words = list(positionals)
    if options.stored and not last:
        if not words:
            which = "the id or the name of a session, or '--last' for the newest one"
            raise exec_parser.fail(f"'{options.stored}' needs {which}; 'codex sessions list' shows them")
        options.stored_id = words.pop(0)
    elif not options.stored and (last or options.stored_all):
        raise exec_parser.fail("'--last' and '--all' belong to 'resume' and 'fork'")
    if options.stored != "fork" and (options.fork_turn or options.fork_before):
        raise exec_parser.fail("'--turn' and '--before' belong to 'fork'")
    if options.fork_turn and options.fork_before:
        raise exec_parser.fail("'--turn' and '--before' both say where the fork begins; give one of them")
    if words:
        options.prompt = words.pop(0)
    if words:
        raise exec_parser.fail(f"unexpected argument {words[0]!r} found; put the whole prompt in quotes")


def _images_gathered(arguments: list[str]) -> list[str]:
    """Arguments where `-i a.png b.png "text"` has become `-i a.png -i b.png "text"`.

    Codex takes every word behind `-i` as an image, the prompt too; here a word must be a file or look like one.
    """
    result: list[str] = []
    gathering = False
    for index, word in enumerate(arguments):
        if word == "--":
            return result + arguments[index:]
        if gathering and arguments[index - 1] not in ("-i", "--image"):
            gathering = not word.startswith("-") and _is_image(word)
            if gathering:
                result += ["-i", word]
                continue
        result.append(word)
        gathering = gathering or word in ("-i", "--image") or word.startswith("--image=")
    return result


def _is_image(word: str) -> bool:
    from os.path import isfile

    looks_so = word.lower().endswith(_IMAGE_SUFFIXES) and not any(space in word for space in " \n\t")
    return looks_so or isfile(word)
