"""What reading the configuration costs a start."""

import json
import subprocess
import sys
import textwrap

OVERRIDES = ['model="m"', "model_provider=mock", 'model_providers.mock.base_url="http://127.0.0.1:1/v1"']


def run(program: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_a_start_without_config_file_loads_no_toml_parser_and_takes_few_milliseconds() -> None:
    result = run(f"""
        import json, sys, time
        from codex.config import load_config
        before = set(sys.modules)
        times = []
        for _ in range(5):
            start = time.process_time()
            load_config(codex_home="/no/such", cwd="/", overrides={OVERRIDES!r}, environ={{}}, flags={{"oss": False}})
            times.append(time.process_time() - start)
        heavy = {{"tomllib", "difflib", "logging", "inspect", "asyncio", "trio", "cattrs", "argparse", "urllib.parse"}}
        print(json.dumps({{"seconds": min(times), "loaded": sorted(set(sys.modules) - before),
                          "heavy": sorted(heavy & set(sys.modules) - {{"inspect"}})}}))
    """)
    assert (result["loaded"], result["heavy"]) == ([], [])
    assert isinstance(result["seconds"], float)
    assert result["seconds"] < 0.02


def test_a_file_costs_the_toml_parser_and_nothing_else() -> None:
    result = run("""
        import json, sys, tempfile
        from codex.config import load_config
        with tempfile.TemporaryDirectory() as home:
            with open(home + "/config.toml", "w") as file:
                file.write('model = "m"\\n')
            before = set(sys.modules)
            load_config(codex_home=home, cwd="/", environ={})
        print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before} - {"tomllib"})))
    """)
    assert set(result) <= {"datetime", "_datetime", "encodings", "string", "_string", "types", "re", "zoneinfo"}
