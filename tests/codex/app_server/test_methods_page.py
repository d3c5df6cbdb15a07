"""The page of methods says what the server offers, generated from its tables.

Write it again with `python -m tests.codex.app_server.test_methods_page`.
"""

from pathlib import Path

from codex.app_server.api.catalog import NOT_SUPPORTED, NOTIFICATIONS, REQUESTS, SERVER_REQUESTS
from codex.app_server.dispatch import offered

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "app-server-methods.md"


def table(rows: list[tuple[str, str, bool]]) -> list[str]:
    lines = [f"| `{method}` | `{kind}` | {'yes' if experimental else ''} |" for method, kind, experimental in rows]
    return ["| method | answer | experimental |", "|---|---|---|", *lines]


def page() -> str:
    done = offered()
    missing = sorted((REQUESTS.keys() | NOT_SUPPORTED) - set(done))
    return "\n".join(
        [
            "# Methods of the app-server",
            "",
            "This page is generated from the server's own tables.",
            "The shapes of params, results and notifications are those of `codex app-server generate-json-schema`.",
            "Experimental ones are for clients that say `capabilities.experimentalApi` in `initialize`.",
            "",
            "## Requests of the client",
            "",
            *table([(name, REQUESTS[name].result_name, REQUESTS[name].experimental) for name in done]),
            "",
            "## Requests of the server",
            "",
            *table([(name, it.result_name, it.experimental) for name, it in sorted(SERVER_REQUESTS.items())]),
            "",
            "## Notifications of the server",
            "",
            *[f"- `{name}`" for name in sorted(NOTIFICATIONS)],
            "",
            "## Not supported by this server",
            "",
            "These methods of Codex are answered with the error -32600 and `not supported by this server`.",
            "",
            *[f"- `{name}`" for name in missing],
            "",
        ]
    )


def test_the_page_of_methods_is_what_the_server_offers() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"write it again: python -m {__name__}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
