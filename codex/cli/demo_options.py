"""The options of `codex demo`, apart from what it loads to run."""

from codex.cli._arguments import Option, Parser

demo_parser = Parser(
    "codex demo",
    [
        Option("keep", "Keep the project and the rollout, and say where they are"),
        Option("json", "Print the events of the turn as JSON lines; all else goes to stderr"),
        Option("dir", "Put everything into this directory, new or empty, and keep it", metavar="DIR"),
        Option("project", "Work on a copy of this project instead of the one that comes along", metavar="DIR"),
        Option("no-sandbox", "Run the commands without a sandbox, where this machine has none"),
        Option("color", "When to use colors", metavar="WHEN", choices=("always", "never", "auto")),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"demo": demo_parser}
