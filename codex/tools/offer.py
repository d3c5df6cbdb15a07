"""Which tools a thread offers its model.  Pure.

exec_command, write_stdin   always
update_plan                 where the configuration switches it on
apply_patch                 free-form or as a function, as the model takes it
view_image                  where the model takes images
get_goal, create_goal, update_goal    where somebody keeps the goals of threads
multi_agent_v1              where sub-agents may be started: as a group, or flat for servers without groups
collaboration               in its place, where the configuration or the model asks for the second generation
dynamic tools               those that whoever started the thread brought along

Of these a sub-agent may be allowed only some.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import attrs

from codex.base.errors import UserError
from codex.base.jsontext import JsonObject, get_object
from codex.config.schema import Config
from codex.model import ApplyPatchTool, ModelInfo
from codex.ports.agents import Generation
from codex.tools import collaboration_specs as specs_of_agents
from codex.tools import specs
from codex.tools.router import Group, Router, Tool
from codex.tools.spec import function, prop

if TYPE_CHECKING:
    from codex.config.role import Role
    from codex.ports.dynamic_tools import DynamicTool, DynamicTools

_MAX_ROLE_TEXT = 300
_AGENTS = Group(
    "multi_agent_v1",
    "Start sub-agents and work with them.",
    (specs.SPAWN_AGENT, specs.WAIT_AGENT, specs.SEND_INPUT, specs.CLOSE_AGENT, specs.RESUME_AGENT),
)


_COLLABORATION = Group(
    "collaboration",
    "Start sub-agents, and exchange letters with all agents of the tree.",
    (
        specs_of_agents.SPAWN_AGENT,
        specs_of_agents.SEND_MESSAGE,
        specs_of_agents.FOLLOWUP_TASK,
        specs_of_agents.WAIT_AGENT,
        specs_of_agents.INTERRUPT_AGENT,
        specs_of_agents.LIST_AGENTS,
    ),
)
_GROUPS = {None: (), "v1": (_AGENTS,), "v2": (_COLLABORATION,)}


def offer(
    config: Config,
    model: ModelInfo,
    *,
    agents: Generation | None,
    dynamic: "DynamicTools | None" = None,
    goals: bool = False,
) -> Router:
    """The router with all that this thread's model is offered, in a fixed order.

    Raises: UserError for a dynamic tool with the name of another one.
    """
    plan, patch, images = bool(config.update_plan_enabled), model.apply_patch_tool, model.supports_image_input
    groups = _GROUPS[agents]
    if dynamic is None and config.allowed_tools is None and not (config.roles and groups):
        return _shared(plan=plan, patch=patch, images=images, goals=goals, agents=agents)
    tools = _tools(plan=plan, patch=patch, images=images, goals=goals)
    if config.roles and groups:
        groups = tuple(_with_roles(group, config.roles) for group in groups)
    if dynamic is None:
        return _router(tools, groups, config.allowed_tools)
    own = Router(tools, groups)
    for tool in dynamic.tools:
        if own.has(tool.name):
            raise UserError(f"dynamic tool `{tool.name}` has the name of a tool that is always there; give it another")
    added = [_dynamic(tool) for tool in dynamic.tools if tool.namespace is None]
    brought = [
        Group(name, dynamic.descriptions.get(name, ""), tuple(map(_dynamic, dynamic.within_namespace(name))))
        for name in dynamic.namespaces
    ]
    return _router([*tools, *added], [*groups, *brought], config.allowed_tools)


@cache
def _shared(
    *, plan: bool, patch: ApplyPatchTool | None, images: bool, goals: bool, agents: Generation | None
) -> Router:
    """What all threads share that have no tools of their own."""
    return Router(_tools(plan=plan, patch=patch, images=images, goals=goals), _GROUPS[agents])


def _tools(*, plan: bool, patch: ApplyPatchTool | None, images: bool, goals: bool) -> list[Tool]:
    tools: list[Tool] = [specs.EXEC_COMMAND, specs.WRITE_STDIN]
    if plan:
        tools.append(specs.UPDATE_PLAN)
    if patch == "freeform":
        tools.append(specs.APPLY_PATCH_FREEFORM)
    elif patch == "function":
        tools.append(specs.APPLY_PATCH_FUNCTION)
    if images:
        tools.append(specs.VIEW_IMAGE)
    if goals:
        tools += [specs.GET_GOAL, specs.CREATE_GOAL, specs.UPDATE_GOAL]
    return tools


def _with_roles(group: Group, roles: "Mapping[str, Role]") -> Group:
    """The group whose `spawn_agent` takes a role of the configuration; without any it looks as in Codex."""
    spawn, *others = group.tools
    parameters = get_object(spawn.spec, "parameters")
    told = [f"`{role.name}`: {role.description[:_MAX_ROLE_TEXT] or 'no description'}" for role in roles.values()]
    role = prop("string", f"The agent's role; the usual one when left out. {'; '.join(told)}")
    properties: JsonObject = {**get_object(parameters, "properties"), "agent_type": role}
    changed: JsonObject = {**spawn.spec, "parameters": {**parameters, "properties": properties}}
    return attrs.evolve(group, tools=(attrs.evolve(spawn, spec=changed), *others))


def _dynamic(tool: "DynamicTool") -> Tool:
    return Tool(function(tool.name, tool.description, tool.input_schema), "dynamic:run", parallel=True)


def _router(tools: Iterable[Tool], groups: Iterable[Group], allowed: Collection[str] | None) -> Router:
    """Of all these, the allowed ones."""
    if allowed is None:
        return Router([*tools], [*groups])
    parts = [attrs.evolve(group, tools=tuple(_among(group.tools, allowed))) for group in groups]
    return Router(_among(tools, allowed), [part for part in parts if part.tools])


def _among(tools: Iterable[Tool], allowed: Collection[str]) -> list[Tool]:
    return [tool for tool in tools if tool.spec["name"] in allowed]
