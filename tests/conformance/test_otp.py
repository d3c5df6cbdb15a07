"""Erlang/OTP's supervisor, recorded, against ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from actors import Runtime
from supervisors import ChildSpec, Supervisor, SupervisorSpec, start_supervisor
from supervisors.conformance import main, mismatch_of

TRACES = Path(__file__).parent / "otp_supervisor" / "traces.jsonl"
SCENARIOS = [json.loads(line) for line in TRACES.read_text(encoding="utf-8").splitlines()]


def test_every_trace_of_otp_is_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(TRACES)]) == 0
    assert capsys.readouterr().out == "300 of 300 traces\n"


def test_a_supervisor_that_decides_otherwise_is_found_out() -> None:
    async def never_restarts(runtime: Runtime, spec: SupervisorSpec) -> Supervisor:
        children: list[ChildSpec] = [
            attrs.evolve(child, restart="transient" if child.significant else "temporary") for child in spec.children
        ]
        return await start_supervisor(runtime, attrs.evolve(spec, children=children))

    async def alone(runtime: Runtime, spec: SupervisorSpec) -> Supervisor:
        return await start_supervisor(runtime, attrs.evolve(spec, strategy="one_for_one"))

    for other in (never_restarts, alone):
        assert sum(mismatch_of(scenario, other) is not None for scenario in SCENARIOS[:60]) > 10


def test_a_mismatch_names_scenario_step_expected_and_got(tmp_path: Path) -> None:
    scenario = json.loads(json.dumps(SCENARIOS[0]))
    scenario["steps"][1]["events"] = [["start", "a"]]
    file = tmp_path / "wrong.jsonl"
    file.write_text(json.dumps(scenario) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "supervisors.conformance", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[0], done.stdout.splitlines()[-1]) == (
        1,
        's0000 step 1 ["exit", "a", "shutdown_term"]',
        "0 of 1 traces",
    )
    assert '[["start", "a"]]' in done.stdout
    assert '["stop", "a", "shutdown_term"], ["start", "a"]' in done.stdout


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
