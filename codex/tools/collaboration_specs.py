"""The second generation of tools for agents, as the model is told about them."""

from codex.tools.router import Tool
from codex.tools.spec import function, obj, prop

_TARGET = prop("string", "The agent: its path (`/root/scout`), its path below yours (`scout`), or its id.")

SPAWN_AGENT = Tool(
    function(
        "spawn_agent",
        "Start a sub-agent with a task of its own. It works beside you, and its final answer comes to you as a letter; "
        "`wait_agent` waits for letters.",
        obj(
            {
                "task_name": prop("string", "Its name below yours: lower-case letters, digits and underscores."),
                "message": prop("string", "The task, with all the agent needs to know."),
                "fork_turns": prop(
                    "string",
                    "What of this conversation it starts with: `all`, which is also meant when left out, `none`, or "
                    "the number of the last turns.",
                ),
                "model": prop("string", "Another model for this agent; yours when left out."),
                "reasoning_effort": prop("string", "Another reasoning effort for this agent."),
            },
            ["task_name", "message"],
        ),
    ),
    "collaboration:spawn_agent",
)
SEND_MESSAGE = Tool(
    function(
        "send_message",
        "Write to an agent or to your parent. It reads the letter with its next step; an idle one is not started.",
        obj({"target": _TARGET, "message": prop("string", "What to tell it.")}, ["target", "message"]),
    ),
    "collaboration:send_message",
)
FOLLOWUP_TASK = Tool(
    function(
        "followup_task",
        "Give an agent a further task. An idle one starts again; one at work reads of it with its next step.",
        obj({"target": _TARGET, "message": prop("string", "The task.")}, ["target", "message"]),
    ),
    "collaboration:followup_task",
)
WAIT_AGENT = Tool(
    function(
        "wait_agent",
        "Wait until a letter of any agent has come, or the user has said something. You read it right after.",
        obj({"timeout_ms": prop("number", "How long to wait at most: 10,000 to 3,600,000; 30,000 when left out.")}),
    ),
    "collaboration:wait_agent",
)
INTERRUPT_AGENT = Tool(
    function(
        "interrupt_agent",
        "Stop what an agent does now. It keeps what it knows and takes further tasks.",
        obj({"target": _TARGET}, ["target"]),
    ),
    "collaboration:interrupt_agent",
)
LIST_AGENTS = Tool(
    function(
        "list_agents",
        "All agents of the tree and where each stands.",
        obj({"path_prefix": prop("string", "Only the agent of this path and those below it.")}),
    ),
    "collaboration:list_agents",
)
