"""The settings of one thread within what the threads above it may now.  Pure, but for what `narrow` looks at.

    own settings --change--> own settings          of this thread, or of one above it
Law: nothing is in force that any thread above forbids, also when that one was narrowed after this one had started. What
is wider above again is wider here, up to this thread's own. Where nothing above was changed nothing is worked out: a
thread starts with no more than its parent had.
"""

from collections.abc import Callable
from functools import reduce
from typing import TypeAlias

from codex.config.schema import Config

# Settings, and those of the thread above: the first with no more authority than the second.
Narrow: TypeAlias = Callable[[Config, Config], Config]


class InForce:
    """One thread's; `above` is that of the thread it belongs to.

    Args:
      config: what it starts with, which allows no more than the thread above has.
    """

    def __init__(self, config: Config, above: "InForce | None", narrow: Narrow) -> None:
        self._own = config
        self._changed = False
        self._above = above
        self._narrow = narrow
        self._denied: tuple[Config, ...] = ()
        self._far: Config | None = None
        self._on_change: list[Callable[[], None]] = []
        self._last: tuple[Config, Config | None, Config] | None = None

    @property
    def own(self) -> Config:
        """What was asked for last, whether all of it is in force or not."""
        return self._own

    @property
    def config(self) -> Config:
        """What holds from the next turn on."""
        return self.within(self._own)

    def change(self, config: Config) -> None:
        """Other settings are asked for."""
        self._own, self._changed = config, True
        self._tell()

    def move(self, above: "InForce") -> None:
        """The thread belongs to another one. What it was denied until now stays denied."""
        if self._above is not None and self._above is not above:
            self._denied = (*self._denied, self._above.config)
        self._above = above
        self._tell()

    def limit_to(self, config: Config | None) -> None:
        """What the threads above may now, where they are in another process; None where they deny nothing."""
        self._far = config

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call this whenever something may be denied, or allowed again, here or above, until what comes back is called.

        A thread that has moved is told of changes above its old place, too.
        """
        heard: list[InForce] = []
        one: InForce | None = self
        while one is not None:
            one._on_change.append(told)
            heard.append(one)
            one = one._above

        def stop() -> None:
            for one in heard:
                one._on_change.remove(told)

        return stop

    def within(self, config: Config) -> Config:
        """These settings of the thread, as far as those above let them."""
        return self._narrowed(config, self._limit())

    def _limit(self) -> Config | None:
        """What the thread above may now; None where nobody has more than that allows."""
        chain: list[InForce] = [self]
        while chain[-1]._above is not None:  # no recursion: a tree may be deeper than the stack
            chain.append(chain[-1]._above)
        if len(chain) == 1:
            return self._far
        if not any(one._changed for one in chain):
            return None
        limit = chain.pop()._own
        for one in reversed(chain[1:]):
            limit = one._narrowed(one._own, limit)
        return limit

    def _tell(self) -> None:
        for told in tuple(self._on_change):
            told()

    def _narrowed(self, config: Config, limit: Config | None) -> Config:
        limits = self._denied if limit is None else (*self._denied, limit)
        if not limits:
            return config
        last = self._last
        if last is None or last[0] is not config or last[1] is not limit:
            last = self._last = config, limit, reduce(self._narrow, limits, config)
        return last[2]
