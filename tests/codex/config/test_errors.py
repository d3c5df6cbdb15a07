"""What is told when a configuration is wrong."""

import os
from pathlib import Path

import pytest

from codex.config import load_config
from codex.config.errors import ConfigError
from tests.codex.config.place import Place


def faults(
    place: Place, *overrides: str, flags: dict[str, object] | None = None, profile: str | None = None
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        place.load(*overrides, flags=flags, profile=profile)
    return [str(fault) for fault in caught.value.faults]


def test_all_faults_of_all_layers_are_told_at_once(place: Place) -> None:
    path = place.write(
        'model = 5\napproval_policy = "allways"\n\n[sandbox_workspace_write]\n# why not\nnetwork_access = "yes"\n'
        '[profiles.p]\nmodel_verbosity = "loud"\n'
    )
    with pytest.raises(ConfigError) as caught:
        place.load("allow_login_shell=maybe", profile="p", flags={"sandbox_mode": "workspace-wrote"})
    assert str(caught.value).split("\n  ") == [
        "6 faults in the configuration:",
        f"{path}:1: model: expected a string that is not empty; got the number 5",
        (
            f'{path}:2: approval_policy: expected one of "never", "on-request", "on-failure", "untrusted", '
            '"permissive"; got the string "allways"'
        ),
        f'{path}:6: sandbox_workspace_write.network_access: expected true or false; got the string "yes"',
        f'{path}:8: profiles.p.model_verbosity: expected one of "low", "medium", "high"; got the string "loud"',
        '-c allow_login_shell=maybe: allow_login_shell: expected true or false; got the string "maybe"',
        (
            '--sandbox: sandbox_mode: expected one of "read-only", "workspace-write", "danger-full-access"; '
            "got the string \"workspace-wrote\", did you mean 'workspace-write'?"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "place_and_problem"),
    [
        (
            'model = "x"\nmodel "y"\n',
            ":2:7: not valid TOML: Expected '=' after a key in a key/value pair in 'model \"y\"'",
        ),
        ('model = "x"\nmodel = "y"\n', ":2:12: not valid TOML: Cannot overwrite a value in 'model = \"y\"'"),
        ("model = ", ":1:9: not valid TOML: Invalid value at the end of the file in 'model ='"),
        ("a = " + "[" * 5000, ": arrays or tables are nested too deeply; make it flatter"),
        ("a = 1" + "0" * 5000, ":1:1: not valid TOML: Exceeds the limit (4300 digits) for integer string conversion"),
        ("a = sk-aaaaaaaaaaaaaaaaaaaaaa", ":1:5: not valid TOML: Invalid value in 'a = [redacted]'"),
    ],
)
def test_text_that_is_not_toml_names_line_and_column(place: Place, text: str, place_and_problem: str) -> None:
    path = place.write(text)
    (fault,) = faults(place)
    assert fault.startswith(f"{path}{place_and_problem}")


def test_a_file_that_is_not_utf8_names_the_line(place: Place) -> None:
    (place.home / "config.toml").write_bytes(b'model = "x"\nmodel_verbosity = "\xff"\n')
    assert faults(place) == [f"{place.home}/config.toml:2: is not UTF-8: byte 31 on line 2 (0xff); save it as UTF-8"]


def test_a_directory_in_the_files_place_is_told(place: Place) -> None:
    (place.home / "config.toml").mkdir()
    assert faults(place) == [
        f"{place.home}/config.toml: is a directory; a file was expected: move it away, or name a file"
    ]


def test_a_fifo_in_the_files_place_does_not_stop_the_start(place: Place) -> None:
    os.mkfifo(place.home / "config.toml")
    assert faults(place) == [f"{place.home}/config.toml: is no regular file; move it away, or name a file"]


def test_a_huge_file_is_refused(place: Place) -> None:
    place.write("#" * 10_000_000)
    assert "holds 10,000,000 bytes, more than the 1,048,576 allowed" in faults(place)[0]


def test_a_dangling_link_is_told(place: Place) -> None:
    (place.home / "config.toml").symlink_to("nowhere")
    assert faults(place) == [f"{place.home}/config.toml: is a link to 'nowhere', which does not exist; remove it"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_told(place: Place) -> None:
    place.write("model = 'x'").chmod(0)
    assert faults(place) == [
        f"{place.home}/config.toml: cannot be read (Permission denied); correct its permissions or the path"
    ]


def test_a_name_that_is_too_long_is_told(place: Place) -> None:
    assert "File name too long" in faults(place, profile="p" * 300)[0]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("model", "-c model: has no '='; write -c key=value, for example -c model=\"gpt-5.5\""),
        ("=x", "-c =x: the key has an empty part; write it as a.b.c, with quotes around parts with dots"),
        ("a..b=1", "-c a..b=1: the key has an empty part; write it as a.b.c, with quotes around parts with dots"),
        (
            "tools={update_plan=",
            (
                '-c tools={update_plan=: tools: expected a table, for example [tools]; got the string "{update_plan=" '
                "(read as a plain string, since it is not a TOML value: Invalid value (at end of document))"
            ),
        ),
        ("model=7", "-c model=7: model: expected a string that is not empty; got the number 7"),
        ("model=", '-c model=: model: expected a string that is not empty; got the string ""'),
        (
            "model=1979-05-27",
            "-c model=1979-05-27: model: expected a string that is not empty; got the date or time 1979",
        ),
        ("openai_base_url=localhost", "-c openai_base_url=localhost: openai_base_url: expected a URL that begins with"),
        ("agents.max_threads=0", "-c agents.max_threads=0: agents.max_threads: expected a whole number from 1 on; got"),
        ("log_level=loud", '-c log_level=loud: log_level: expected a level such as "info", or "warning,model=debug"'),
        ("model=\udcff", "-c model=?: is not UTF-8"),
        (
            "model_context_window=9999999999999999",
            "-c model_context_window=9999999999999999: model_context_window: exp",
        ),
        ("features.apps=1", "-c features.apps=1: features.apps: expected true or false; got the number 1"),
        (
            "features.apps.enabled=1",
            "-c features.apps.enabled=1: features.apps.enabled: expected true or false; got the number 1",
        ),
        (
            "project_doc_max_bytes=-1",
            "-c project_doc_max_bytes=-1: project_doc_max_bytes: expected a whole number from 0",
        ),
    ],
)
def test_a_wrong_c_flag_is_told_with_its_text(place: Place, override: str, problem: str) -> None:
    (fault,) = faults(place, override)
    assert fault.startswith(problem)


def test_a_secret_is_not_told_when_its_type_is_wrong(place: Place) -> None:
    place.write("[model_providers.x]\nexperimental_bearer_token = 1234567\nhttp_headers = 'tell nobody'\n")
    told = faults(place, "model_providers.x.experimental_bearer_token=[7654321]")
    assert [problem.partition("; got ")[2] for problem in told] == [
        "a number (not shown)",
        "a string (not shown)",
        "an array (not shown)",
    ]
    assert not any(secret in " ".join(told) for secret in ("1234567", "tell nobody", "7654321"))
    long = "model_providers.x.http_headers=" + "s3cret" * 50
    assert "s3cret" not in " ".join(
        faults(place, long, "openai_base_url=ftp://me:s3cret@host", "model_providers.x.auth")
    )
    assert faults(place, "model_providers.x.http_headers=")[-1].startswith("-c model_providers.x.http_headers=…: ")


def test_missing_files_that_a_key_names_are_told(place: Place) -> None:
    path = place.write('model_catalog_json = "cat.json"\n')
    (place.cwd / "empty.md").touch()
    assert faults(place) == [
        f"{path}:1: model_catalog_json: there is no file '{place.home}/cat.json'; make it, or correct the path"
    ]
    path.unlink()
    override = "model_instructions_file=empty.md"
    assert faults(place, override) == [
        (
            f"-c {override}: model_instructions_file: '{place.cwd}/empty.md' is empty; "
            "write the text into it, or remove the key"
        )
    ]


def test_an_unknown_profile_names_those_that_exist(place: Place) -> None:
    place.write("[profiles.work]\n")
    place.write("", name="fast.config.toml")
    assert faults(place, profile="wrok") == [
        (
            f"--profile: no profile 'wrok', did you mean 'work'?; known: fast, work; "
            f"make {place.home}/wrok.config.toml, or leave it out"
        )
    ]
    assert faults(place, profile="../x") == [
        "--profile: '../x' is no name of a profile; use letters, digits, '-' and '_'"
    ]


def test_a_wrong_variable_is_named(place: Place) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load(environ={"CODEX_OSS_PORT": "eleven", "OPENAI_BASE_URL": "ftp://x", "CODEX_LOG": "loud"})
    assert [fault.where for fault in caught.value.faults] == ["CODEX_OSS_PORT", "OPENAI_BASE_URL", "CODEX_LOG"]


def test_directories_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        load_config(codex_home=str(tmp_path / "file"), cwd=str(tmp_path / "missing"), environ={})
    assert [str(fault) for fault in caught.value.faults] == [
        f"--cd: '{tmp_path}/missing' does not exist; name an existing directory",
        f"CODEX_HOME: '{tmp_path}/file' is not a directory; name a directory",
    ]


def test_filters_of_the_environment_do_not_stand_beside_the_older_keys(place: Place) -> None:
    path = place.write("[shell_environment_policy]\nexclude = ['A']\nfilters = { B = 'exclude' }\n")
    (fault,) = faults(place)
    assert fault.startswith(f"{path}:3: shell_environment_policy.filters: cannot stand beside `exclude`")
