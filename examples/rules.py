"""Rules: read a rules file, ask it about commands, and add what "always allow" would add."""

from pathlib import Path
from tempfile import TemporaryDirectory

from codex.execpolicy import RulesError, append_prefix_rule, load_rules, propose_prefix

RULES = """
prefix_rule(pattern=["git", ["status", "diff"]])
prefix_rule(pattern=["git", "push"], decision="prompt", justification="it is seen by others")
prefix_rule(pattern=["git", "push", "--force"], decision="forbidden", justification="history is kept")
"""

with TemporaryDirectory() as directory:
    Path(directory, "team.rules").write_text(RULES)
    rules = load_rules([directory])
    for script in ("git status && git diff", "git status; git push --force", "make test", "git status > $file"):
        found = rules.evaluate(["bash", "-lc", script])
        print(f"{script}: {found.decision}, {found.justification}, outside of the sandbox: {found.all_allowed}")

    prefix = propose_prefix(rules, ["bash", "-lc", "make test"])
    print("always allow would add:", prefix)
    if prefix is not None:
        append_prefix_rule(Path(directory, "default.rules"), prefix)
    print("and then:", load_rules([directory]).evaluate(["make", "test", "-j4"]).decision)

    Path(directory, "broken.rules").write_text('prefix_rule(pattern=["make"], decision="alow")')
    try:
        load_rules([directory])
    except RulesError as error:
        print(str(error).removeprefix(directory))
