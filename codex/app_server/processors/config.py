"""`config/*`: what is in force and why, and edits of the user's config.toml that keep its comments."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import trio

from codex.app_server.api.config import (
    ConfigBatchWriteParams,
    ConfigEdit,
    ConfigReadParams,
    ConfigReadResponse,
    ConfigRequirementsReadResponse,
    ConfigValueWriteParams,
    ConfigWriteResponse,
    OverriddenMetadata,
)
from codex.app_server.config_layers import Layers
from codex.app_server.desk import Desk
from codex.app_server.rpc import RpcError
from codex.base.jsontext import Json, JsonObject
from codex.config.edit import ConfigEditError, Edit, VersionConflict, edit_config, key_path


async def read(desk: Desk, params: ConfigReadParams) -> ConfigReadResponse:
    """The configuration of a directory, read again. Cancelled, nothing happened."""
    layers = await trio.to_thread.run_sync(partial(_layers, desk, params.cwd))
    return ConfigReadResponse(
        config=layers.tree(), origins=layers.decided(), layers=layers.all() if params.include_layers else None
    )


async def write_value(desk: Desk, params: ConfigValueWriteParams) -> ConfigWriteResponse:
    """Write one value; null takes it out. Cancelled, it may be written."""
    edit = ConfigEdit(key_path=params.key_path, value=params.value, merge_strategy=params.merge_strategy)
    return await _write(desk, [edit], params.file_path, params.expected_version)


async def write_batch(desk: Desk, params: ConfigBatchWriteParams) -> ConfigWriteResponse:
    """Write several values, or none. Cancelled, they may be written."""
    return await _write(desk, params.edits, params.file_path, params.expected_version)


async def read_requirements(_desk: Desk, _params: None) -> ConfigRequirementsReadResponse:
    """What the machine's owner requires is in force already, and not told apart. Does not wait."""
    return ConfigRequirementsReadResponse()


async def _write(
    desk: Desk, wanted: Sequence[ConfigEdit], file_path: str | None, expected_version: str | None
) -> ConfigWriteResponse:
    path = os.path.join(desk.server.codex.config.codex_home, "config.toml")
    if file_path is not None and os.path.realpath(file_path) != os.path.realpath(path):
        raise _refused("configLayerReadonly", f"Only writes to the user config are allowed: {path}")
    if not all(it.key_path for it in wanted):
        raise _refused("configValidationError", "keyPath must not be empty")
    try:
        edits = [Edit(key_path(it.key_path), _without_nulls(it.value), it.merge_strategy) for it in wanted]
        home = desk.server.environ.get("HOME") or os.path.expanduser("~")
        written = await trio.to_thread.run_sync(
            partial(edit_config, path, edits, home=home, expected_version=expected_version)
        )
    except VersionConflict as error:
        text = "Configuration was modified since last read. Fetch latest version and retry."
        raise _refused("configVersionConflict", text) from error
    except ConfigEditError as error:
        raise _refused("configValidationError", f"Invalid configuration: {error}") from error
    overridden = await trio.to_thread.run_sync(partial(_overridden, desk, edits, path))
    return ConfigWriteResponse(
        status="okOverridden" if overridden else "ok",
        version=written.version,
        file_path=path,
        overridden_metadata=overridden,
    )


def _layers(desk: Desk, cwd: str | None) -> Layers:
    there = cwd if cwd is not None and os.path.isdir(cwd) else None
    return Layers(desk.server.configs.resolve(cwd=there))


def _overridden(desk: Desk, edits: Sequence[Edit], path: str) -> OverriddenMetadata | None:
    """The first of the values that another layer keeps from being in force."""
    layers = _layers(desk, None)
    keys = [edit.key for edit in edits if edit.value is not None]
    for origin in layers.origins:
        if origin.path in keys and origin.where and not origin.where.startswith(path):
            return OverriddenMetadata(
                message=f"Overridden by {origin.where}",
                overriding_layer=layers.metadata(origin),
                effective_value=origin.value,
            )
    return None


def _without_nulls(value: Json) -> Any:  # what TOML has is private to the configuration
    """A value as TOML can have it, which knows no null."""
    match value:
        case dict():
            return {key: _without_nulls(one) for key, one in value.items() if one is not None}
        case list():
            return [_without_nulls(one) for one in value if one is not None]
        case _:
            return value


def _refused(code: str, message: str) -> RpcError:
    return RpcError(message, data=cast("JsonObject", {"config_write_error_code": code}))


HANDLERS = {
    "config/read": read,
    "config/value/write": write_value,
    "config/batchWrite": write_batch,
    "configRequirements/read": read_requirements,
}
