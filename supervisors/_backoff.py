"""Waiting before a restart."""

from __future__ import annotations

import attrs


@attrs.frozen
class Backoff:
    """How long to wait before a restart: `first` seconds, doubled each time up to `limit`, plus up to `jitter` of it.

    After `reset` seconds without a crash it begins anew; default: the middle of `first` and `limit`.
    """

    first: float
    limit: float
    jitter: float = 0.2
    reset: float | None = None
