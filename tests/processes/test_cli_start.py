"""The start of the real command: what is imported, how it ends, what a closed stream does."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODEX = [sys.executable, "-m", "codex.cli.main"]


def run(*arguments: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    given = os.environ | {"PYTHONPATH": str(ROOT)} | environ
    return subprocess.run([*CODEX, *arguments], env=given, input=stdin, capture_output=True, timeout=60, check=False)


def loaded_by(code: str) -> set[str]:
    script = f"import sys; import codex; before = set(sys.modules)\n{code}\nimport json; print(json.dumps(loaded))"
    code = script.replace("import json;", "loaded = sorted(set(sys.modules) - before); import json;")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_version_imports_nothing() -> None:
    assert loaded_by("from codex.cli.main import run; run(['codex', '--version'])") == {"codex.cli", "codex.cli.main"}


def test_reading_the_command_line_imports_nothing_of_weight() -> None:
    loaded = loaded_by("from codex.cli.options import read_exec; read_exec(['--json', '-m', 'x', 'hi'])")
    expected = {"base", "base.errors", "cli", "cli._arguments", "cli.options"}
    assert loaded == {f"codex.{name}" for name in expected}


def test_the_words_to_complete_are_found_without_attrs_and_the_configuration() -> None:
    loaded = loaded_by("from codex.cli.main import run; run(['codex', 'completion', 'bash'])")
    assert "codex.config.feature_list" in loaded
    assert loaded & {"attr", "trio", "codex.config.load", "codex.config.schema", "codex.cli._checks"} == set()


def test_exit_codes_of_the_real_command() -> None:
    assert run("--version").returncode == 0
    done = run("exec", "--nonsense")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*CODEX, "--help"], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_closed_streams_are_no_traceback() -> None:
    code = """
import os, sys
os.closerange(0, 3)
sys.argv = ["codex", "exec", "hi", "-C", "/nowhere"]
from codex.cli.main import main
main()
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 1


def test_a_key_is_kept_shown_and_forgotten(tmp_path: Path) -> None:
    home = {"CODEX_HOME": str(tmp_path), "OPENAI_API_KEY": "", "CODEX_API_KEY": ""}
    assert run("login", "status", **home).returncode == 1
    kept = run("login", "--with-api-key", **home, stdin=b"sk-test-1234567890abcdefghij\n")
    assert (kept.returncode, kept.stderr.splitlines()[-1]) == (0, b"Successfully logged in")
    assert (tmp_path / "auth.json").stat().st_mode & 0o777 == 0o600
    status = run("login", "status", **home)
    assert status.returncode == 0
    assert b"Logged in using an API key - sk-test-" in status.stderr
    assert b"1234567890" not in status.stderr
    assert run("logout", **home).stderr == b"Successfully logged out\n"
    assert run("logout", **home).stderr == b"Not logged in\n"
    assert run("login", "status", **home).returncode == 1


def test_a_login_that_cannot_be_is_refused_in_one_line(tmp_path: Path) -> None:
    home = {"CODEX_HOME": str(tmp_path)}
    browser, empty = run("login", **home), run("login", "--with-api-key", **home, stdin=b"\n")
    assert (browser.returncode, empty.returncode) == (1, 1)
    assert b"cannot sign in with ChatGPT; use an API key" in browser.stderr
    assert b"No API key provided via stdin" in empty.stderr
    assert run("login", "--api-key", "x", **home).returncode == 2


def test_exec_outside_of_a_repository_is_refused_in_codex_words(tmp_path: Path) -> None:
    home = {"CODEX_HOME": str(tmp_path), "OPENAI_API_KEY": "x"}
    done = run("exec", "-C", str(tmp_path), "hi", **home)
    assert done.returncode == 1
    assert done.stderr == b"Not inside a trusted directory and --skip-git-repo-check was not specified.\n"


def test_a_bad_schema_and_a_missing_image_are_told_before_anything_starts(tmp_path: Path) -> None:
    home = {"CODEX_HOME": str(tmp_path), "OPENAI_API_KEY": "x"}
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    common = ["exec", "-C", str(tmp_path), "--skip-git-repo-check"]
    for option, name, said in (
        ("--output-schema", "list.json", b"holds no JSON object"),
        ("--output-schema", "broken.json", b"is not JSON"),
        ("--output-schema", "none.json", b"cannot read"),
        ("--image", "none.png", b"is no file; name an image that exists"),
    ):
        done = run(*common, option, str(tmp_path / name), "hi", **home)
        assert (done.returncode, said in done.stderr, done.stdout) == (1, True, b""), done.stderr


def test_a_link_named_apply_patch_is_that_program(tmp_path: Path) -> None:
    def patched(name: str, *arguments: str) -> int:
        code = f"import sys; sys.argv = {[name, *arguments]!r}; from codex.cli.main import main; main()"
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=False).returncode

    assert patched("/usr/bin/apply_patch", "*** Begin Patch\n*** Add File: a\n+hi\n*** End Patch") == 0
    assert (tmp_path / "a").read_text() == "hi\n"
    assert patched("applypatch", "*** Begin Patch\n*** Delete File: a\n*** End Patch") == 0
    assert not (tmp_path / "a").exists()
    assert patched("codex", "apply-patch", "no patch") == 1
    assert patched("codex", "apply-patch", "one", "two") == 2
