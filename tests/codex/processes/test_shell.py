"""The shell that command lines are given to."""

import pytest

from codex.processes import choose_shell, shell_argv

EVERYWHERE = {"/bin/bash", "/bin/sh", "/usr/bin/zsh", "/usr/bin/fish", "/opt/zsh"}


@pytest.mark.parametrize(
    ("passwd", "environ", "there", "chosen"),
    [
        ("/usr/bin/zsh", {"SHELL": "/bin/bash"}, EVERYWHERE, "/usr/bin/zsh"),
        (None, {"SHELL": "/opt/zsh"}, EVERYWHERE, "/opt/zsh"),
        ("/usr/bin/fish", {"SHELL": "/usr/bin/fish"}, EVERYWHERE, "/bin/bash"),
        ("/usr/sbin/nologin", {}, EVERYWHERE, "/bin/bash"),
        ("/gone/zsh", {}, {"/bin/sh"}, "/bin/sh"),
        ("", {"SHELL": "zsh"}, {"/usr/bin/sh"}, "/usr/bin/sh"),
    ],
)
def test_the_users_shell_counts_where_it_speaks_sh(
    passwd: str | None, environ: dict[str, str], there: set[str], chosen: str
) -> None:
    assert choose_shell(passwd, environ, there.__contains__) == chosen


def test_a_command_line_is_one_argument() -> None:
    assert shell_argv("/bin/bash", "a && b", login=True) == ("/bin/bash", "-lc", "a && b")
    assert shell_argv("/bin/sh", "a", login=False) == ("/bin/sh", "-c", "a")
