"""A command that goes on in the background, as a list shows it."""

import attrs


@attrs.frozen
class BackgroundTerminal:
    """One background command of a thread. `process_id` is the session id that the model knows it by.

    `age` in seconds since its start; `cpu_percent` the mean since then, of one processor, and `rss_kb` the memory now,
    both of the whole tree. What the system does not tell is None.
    """

    item_id: str
    process_id: str
    command: str
    cwd: str
    age: float
    os_pid: int | None = None
    cpu_percent: float | None = None
    rss_kb: int | None = None
