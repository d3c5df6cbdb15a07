"""The program's log: a file in $CODEX_HOME/log, also for what libraries and our own rooms tell `logging`."""

from codex.base.log import Log, open_log, take_logging
from codex.config import Config


def open_program_log(config: Config) -> Log:
    """The log that the configuration asks for; nothing tells stderr anything past it. To be closed by the caller."""
    log = open_log(config.codex_home, log_dir=config.log_dir, level=config.log_level)
    take_logging(log)
    return log
