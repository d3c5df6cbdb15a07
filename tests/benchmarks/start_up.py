"""What small commands and the configuration cost: `python -m tests.benchmarks.start_up [--rounds N]`.

Times of whole processes alternate between the candidates, so that a busy machine slows all of them; the figures are
medians with the least sample. A bound is on the difference to the bare interpreter.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from codex.config.load import load_config

ROOT = Path(__file__).resolve().parents[2]
VERSION_BOUND_MS, HELP_BOUND_MS, CONFIG_BOUND_MS = 20.0, 120.0, 10.0
KEYS = "\n".join(f'[model_providers.p{number}]\nbase_url = "http://localhost:{number}/v1"' for number in range(1, 9))


def process_ms(*arguments: str) -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - before) * 1000


def processes(rounds: int) -> dict[str, list[float]]:
    main = "from codex.cli.main import main; main()"
    candidates = {
        "bare interpreter": ("-c", "pass"),
        "codex --version": ("-c", main, "--version"),
        "codex --help": ("-c", main, "--help"),
        "codex completion bash": ("-c", main, "completion", "bash"),
        "codex config show --origins": ("-c", main, "config", "show", "--origins"),
    }
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, arguments in candidates.items():
            found[name].append(process_ms(*arguments))
    return found


def config_ms(place: Path, rounds: int) -> list[float]:
    """Six files, the environment and the command line, in the way from the machine down to the working directory."""
    home, system, root = place / "home", place / "system", place / "project"
    inner = root / "a"
    for directory in (home, system, root / ".git", root / ".codex", inner / ".codex"):
        directory.mkdir(parents=True)
    (system / "config.toml").write_text('model_verbosity = "low"\n')
    (system / "requirements.toml").write_text('allowed_sandbox_modes = ["read-only", "workspace-write"]\n')
    (home / "config.toml").write_text(f'model = "m"\n[projects."{root}"]\ntrust_level = "trusted"\n{KEYS}\n')
    (home / "p.config.toml").write_text('service_tier = "fast"\n[shell_environment_policy.set]\nA = "1"\n')
    (root / ".codex/config.toml").write_text('developer_instructions = "Be brief."\n')
    (inner / ".codex/config.toml").write_text("[features]\ngoals = true\n")
    took: list[float] = []
    for _ in range(rounds):
        before = time.perf_counter()
        config = load_config(
            codex_home=str(home),
            cwd=str(inner),
            overrides=['model_reasoning_effort="high"'],
            flags={"sandbox_mode": "workspace-write"},
            profile="p",
            environ={"HOME": str(home), "CODEX_LOG": "info"},
            system_dir=str(system),
        )
        took.append((time.perf_counter() - before) * 1000)
        assert (config.features, config.service_tier) == ({"goals": True}, "fast")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        os.environ["CODEX_HOME"] = place
        found = processes(rounds)
    with tempfile.TemporaryDirectory() as place:
        resolution = config_ms(Path(place), rounds * 10)
    bare = statistics.median(found["bare interpreter"])
    bounds = {"codex --version": VERSION_BOUND_MS, "codex --help": HELP_BOUND_MS}
    print("| what | ms | over the bare interpreter | bound | |\n|---|---:|---:|---:|---|")
    for name, took in found.items():
        median = statistics.median(took)
        over = "" if name == "bare interpreter" else f"{median - bare:.1f}"
        bound = bounds.get(name)
        verdict = "" if bound is None else f"≤ {bound:.0f} | {'met' if median - bare <= bound else 'MISSED'}"
        print(f"| `{name}` | {median:.1f} [{min(took):.1f}] | {over} | {verdict or '|'} |")
    median = statistics.median(resolution)
    verdict = "met" if median <= CONFIG_BOUND_MS else "MISSED"
    print(
        f"| configuration of 6 files | {median:.1f} [{min(resolution):.1f}] | | ≤ {CONFIG_BOUND_MS:.0f} | {verdict} |"
    )


if __name__ == "__main__":
    main()
