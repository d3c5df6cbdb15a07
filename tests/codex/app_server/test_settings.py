"""What a client asks of models, settings, skills, hooks and the account, and what it may change."""

import json
from pathlib import Path
from typing import Any

from tests.codex.app_server.wires import WireClient, open_server, open_wire


async def error_of(client: WireClient, method: str, **params: object) -> dict[str, Any]:
    return (await client.call(method, params))["error"]


async def test_models_come_page_by_page_the_one_in_use_first(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        everything = await client.call("model/list")
        assert everything["nextCursor"] is None
        assert [model["id"] for model in everything["data"] if model["isDefault"]] == ["gpt-5.5"]
        assert everything["data"][0]["id"] == "gpt-5.5"
        seen, cursor = list[Any](), None
        while True:
            page = await client.call("model/list", {"limit": 4, "cursor": cursor})
            seen += page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert seen == everything["data"]
        assert (await error_of(client, "model/list", cursor="bogus"))["message"] == "invalid cursor: bogus"
        assert (await error_of(client, "model/list", cursor="99"))["message"].startswith("cursor 99 exceeds total")


async def test_providers_profiles_modes_and_features_are_listed(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        providers = await client.call("modelProvider/list")
        assert [provider["id"] for provider in providers["data"]] == ["scripted", "openai"]
        assert providers["defaultProviderId"] == "scripted"
        profiles = await client.call("permissionProfile/list", {"limit": 1})
        assert profiles["data"] == [{"id": ":read-only", "description": None, "allowed": True}]
        assert profiles["nextCursor"] == "1"
        modes = await client.call("collaborationMode/list")
        assert modes["data"] == [{"name": "Default", "mode": "default", "model": None, "reasoning_effort": None}]
        features = (await client.call("experimentalFeature/list"))["data"]
        assert {"hooks", "goals"} <= {feature["name"] for feature in features if feature["enabled"]}


async def test_a_value_is_written_beside_comments_and_read_back(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        file = tmp_path / "home" / "config.toml"
        file.write_text('# mine\nmodel = "gpt-5.5"\n')
        before = await client.call("config/read", {"includeLayers": True})
        assert before["config"]["model"] == "gpt-5.5"
        origin = before["origins"]["model"]
        assert origin["name"] == {"type": "user", "file": str(file), "profile": None}
        layers = [(layer["name"]["type"], layer["config"]) for layer in before["layers"]]
        assert layers == [("user", {"model": "gpt-5.5"})]
        edit = {"keyPath": "model", "value": "gpt-6", "mergeStrategy": "replace"}
        done = await client.call("config/value/write", {**edit, "expectedVersion": origin["version"]})
        assert (done["status"], done["filePath"], done["overriddenMetadata"]) == ("ok", str(file), None)
        assert file.read_text() == '# mine\nmodel = "gpt-6"\n'
        late = await error_of(client, "config/value/write", **edit, expectedVersion=origin["version"])
        assert late["data"] == {"config_write_error_code": "configVersionConflict"}
        assert (await client.call("config/read"))["origins"]["model"]["version"] == done["version"]


async def test_of_several_values_all_are_written_or_none(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        file = tmp_path / "home" / "config.toml"
        good = {"keyPath": "model", "value": "gpt-6", "mergeStrategy": "replace"}
        bad = {"keyPath": "sandbox_mode", "value": "bad", "mergeStrategy": "upsert"}
        refused = await error_of(client, "config/batchWrite", edits=[good, bad])
        assert refused["code"] == -32600
        assert refused["data"] == {"config_write_error_code": "configValidationError"}
        assert not file.exists()
        table = {"keyPath": "sandbox_workspace_write", "value": {"network_access": True}, "mergeStrategy": "upsert"}
        assert (await client.call("config/batchWrite", {"edits": [good, table]}))["status"] == "ok"
        assert file.read_text() == 'model = "gpt-6"\n\n[sandbox_workspace_write]\nnetwork_access = true\n'
        elsewhere = await error_of(client, "config/value/write", **good, filePath=str(tmp_path / "other.toml"))
        assert elsewhere["data"] == {"config_write_error_code": "configLayerReadonly"}


async def test_an_api_key_is_kept_and_forgotten(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        nobody = {"account": None, "userId": None, "requiresOpenaiAuth": False, "workspaceRouting": None}
        assert await client.call("account/read") == nobody
        assert await client.call("account/login/start", {"type": "apiKey", "apiKey": "sk-1"}) == {"type": "apiKey"}
        assert (await client.until("account/login/completed"))["success"]
        assert (await client.until("account/updated"))["authMode"] == "apikey"
        stored = json.loads((tmp_path / "home" / "auth.json").read_text())
        assert stored["OPENAI_API_KEY"] == "sk-1"
        assert await client.call("account/logout") == {}
        assert (await client.until("account/updated"))["authMode"] is None
        assert not (tmp_path / "home" / "auth.json").exists()
        browser = await error_of(client, "account/login/start", type="chatgpt")
        assert "not supported by this server" in browser["message"]
        assert (await error_of(client, "account/rateLimits/read"))["code"] == -32600


async def test_skills_and_hooks_of_a_directory_are_listed(tmp_path: Path) -> None:
    skill = tmp_path / "home" / "skills" / "tidy" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: tidy\ndescription: Puts things in order\n---\nDo it.\n")
    hook = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}}
    (tmp_path / "home" / "hooks.json").write_text(json.dumps(hook))
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        work = str(tmp_path / "work")
        (found,) = (await client.call("skills/list", {"cwds": [work]}))["data"]
        (mine,) = [skill for skill in found["skills"] if skill["name"] == "tidy"]
        assert (mine["description"], mine["path"], mine["scope"]) == ("Puts things in order", str(skill), "user")
        (listed,) = (await client.call("hooks/list", {"cwds": [work]}))["data"]
        (stop,) = listed["hooks"]
        told = (stop["eventName"], stop["command"], stop["trustStatus"], stop["source"])
        assert told == ("stop", "true", "untrusted", "user")
