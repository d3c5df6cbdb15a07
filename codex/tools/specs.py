"""The tools, as the model is told about them; what they do is loaded when they are first called."""

from codex.patch.grammar import PATCH_GRAMMAR
from codex.tools.router import Tool
from codex.tools.spec import array, choice, custom, function, obj, prop

_ABOUT_PATCH = "Add, change, move or delete files by a patch. The whole patch is checked before anything is written."

EXEC_COMMAND = Tool(
    function(
        "exec_command",
        "Run a shell command and return its output. One that is still running after the wait gets a session id "
        "for `write_stdin`.",
        obj(
            {
                "cmd": prop("string", "The command, as one would type it into the shell."),
                "workdir": prop("string", "Where to run it; the working directory when left out."),
                "shell": prop("string", "Another shell to run it with."),
                "login": prop("boolean", "Whether the shell reads the login profile first; true when left out."),
                "tty": prop(
                    "boolean", "Whether it gets a terminal, as interactive programs need; false when left out."
                ),
                "yield_time_ms": prop("number", "How long to wait for its end before it goes on in the background."),
                "max_output_tokens": prop("number", "How much of its output to return; the middle of more is cut."),
                "sandbox_permissions": choice(
                    ["use_default", "require_escalated"], "`require_escalated` asks to run it without the sandbox."
                ),
                "justification": prop("string", "With `require_escalated`: one sentence for the user who is asked."),
                "prefix_rule": array(
                    {"type": "string"},
                    "With `require_escalated`: the command prefix that could be allowed for good.",
                ),
            },
            ["cmd"],
        ),
    ),
    "exec_command:run",
    parallel=True,
)
WRITE_STDIN = Tool(
    function(
        "write_stdin",
        "Type into a command that is still running, or wait for more of its output.",
        obj(
            {
                "session_id": prop("number", "The id that `exec_command` gave."),
                "chars": prop("string", "What to type; empty to only look. \\u0003 is Ctrl-C."),
                "yield_time_ms": prop("number", "How long to wait for output."),
                "max_output_tokens": prop("number", "How much output to return; the middle of more is cut."),
            },
            ["session_id"],
        ),
    ),
    "write_stdin:run",
    parallel=True,
)
UPDATE_PLAN = Tool(
    function(
        "update_plan",
        "Show the steps of your work and how far each is. Send the whole plan each time; one step is in progress.",
        obj(
            {
                "explanation": prop("string", "Why the plan changed, in a sentence."),
                "plan": array(
                    obj(
                        {
                            "step": prop("string", "The step, in a few words."),
                            "status": choice(["pending", "in_progress", "completed"], "How far it is."),
                        },
                        ["step", "status"],
                    ),
                    "All steps, in order.",
                ),
            },
            ["plan"],
        ),
    ),
    "plan:run",
)
APPLY_PATCH_FREEFORM = Tool(
    custom("apply_patch", f"{_ABOUT_PATCH} The input is the patch, not JSON.", PATCH_GRAMMAR),
    "apply_patch:run_freeform",
)
APPLY_PATCH_FUNCTION = Tool(
    function(
        "apply_patch",
        f"{_ABOUT_PATCH} Its form: a line `*** Begin Patch`, then for each file `*** Add File: PATH` with lines that "
        "start with `+`, `*** Delete File: PATH`, or `*** Update File: PATH` (and `*** Move to: PATH`) with chunks: a "
        "line `@@`, or `@@ ` and a line of the file that stands above, then lines that start with a space (kept), `-` "
        "(removed) or `+` (added); at the end a line `*** End Patch`.",
        obj({"input": prop("string", "The whole patch.")}, ["input"]),
    ),
    "apply_patch:run_function",
)
VIEW_IMAGE = Tool(
    function(
        "view_image",
        "Look at an image file of this machine. Use it when the picture itself matters and you were given its path.",
        obj({"path": prop("string", "Path of the image; relative ones start at the working directory.")}, ["path"]),
    ),
    "view_image:run",
    parallel=True,
)
GET_GOAL = Tool(
    function("get_goal", "Look at what this thread works for, and what that has cost.", obj({}, [])), "goal:get"
)
CREATE_GOAL = Tool(
    function(
        "create_goal",
        "Give this thread a goal, which it then works for turn after turn until it is reached. Only when the user asks "
        "for one.",
        obj(
            {
                "objective": prop("string", "What is to be reached, whole and in the user's words."),
                "token_budget": prop("integer", "How many tokens it may use; only when the user names a limit."),
            },
            ["objective"],
        ),
    ),
    "goal:create",
)
UPDATE_GOAL = Tool(
    function(
        "update_goal",
        "Say how far the goal of this thread is. `complete` when all of it is done and checked; `blocked` when nothing "
        "can be done without the user; `paused` when the user wants it to rest.",
        obj({"status": choice(["complete", "blocked", "paused"], "How far it is.")}, ["status"]),
    ),
    "goal:update",
)
_ITEMS = array(
    obj({"type": choice(["text"], "What it is."), "text": prop("string", "The text.")}, ["type", "text"]),
    "Instead of `message`: its parts.",
)
SPAWN_AGENT = Tool(
    function(
        "spawn_agent",
        "Start a sub-agent with a task of its own. It works beside you; wait for it with `wait_agent`.",
        obj(
            {
                "message": prop("string", "The task, with all the agent needs to know."),
                "items": _ITEMS,
                "fork_context": prop("boolean", "Whether the agent starts with this conversation's history."),
                "model": prop("string", "Another model for this agent; the one of its parent when left out."),
                "reasoning_effort": prop("string", "Another reasoning effort for this agent."),
            },
        ),
    ),
    "agents:spawn_agent",
)
WAIT_AGENT = Tool(
    function(
        "wait_agent",
        "Wait until one of these agents has finished; its last message comes back.",
        obj(
            {
                "targets": array({"type": "string"}, "Ids of the agents."),
                "timeout_ms": prop("number", "How long to wait at most: 10,000 to 3,600,000; 30,000 when left out."),
            },
            ["targets"],
        ),
    ),
    "agents:wait_agent",
)
SEND_INPUT = Tool(
    function(
        "send_input",
        "Send a message to an agent. One that works gets it after its current step, unless `interrupt` is true.",
        obj(
            {
                "target": prop("string", "Id of the agent."),
                "message": prop("string", "What to tell it."),
                "items": _ITEMS,
                "interrupt": prop("boolean", "Whether to stop what it does now first."),
            },
            ["target"],
        ),
    ),
    "agents:send_input",
)
CLOSE_AGENT = Tool(
    function(
        "close_agent",
        "End an agent that is not needed any more, with all it started.",
        obj({"target": prop("string", "Id of the agent.")}, ["target"]),
    ),
    "agents:close_agent",
)
RESUME_AGENT = Tool(
    function(
        "resume_agent",
        "Start an agent again that was closed. It still knows what it did, and waits for `send_input`.",
        obj({"id": prop("string", "Id of the agent.")}, ["id"]),
    ),
    "agents:resume_agent",
)
