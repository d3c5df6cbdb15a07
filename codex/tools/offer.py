"""Which tools a thread offers its model.  Pure.

exec_command, write_stdin   always
update_plan                 where the configuration switches it on
apply_patch                 free-form or as a function, as the model takes it
view_image                  where the model takes images
multi_agent_v1              where sub-agents may be started: as a group, or flat for servers without groups
collaboration               in its place, where the configuration or the model asks for the second generation
"""

from codex.config.schema import Config
from codex.model import ModelInfo
from codex.ports.agents import Generation
from codex.tools import collaboration_specs as specs_of_agents
from codex.tools import specs
from codex.tools.router import Group, Router, Tool

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


def offer(config: Config, model: ModelInfo, *, agents: Generation | None) -> Router:
    """The router with all that this thread's model is offered, in a fixed order."""
    tools: list[Tool] = [specs.EXEC_COMMAND, specs.WRITE_STDIN]
    if config.update_plan_enabled:
        tools.append(specs.UPDATE_PLAN)
    if model.apply_patch_tool == "freeform":
        tools.append(specs.APPLY_PATCH_FREEFORM)
    elif model.apply_patch_tool == "function":
        tools.append(specs.APPLY_PATCH_FUNCTION)
    if model.supports_image_input:
        tools.append(specs.VIEW_IMAGE)
    return Router(tools, _GROUPS[agents])
