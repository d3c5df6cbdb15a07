"""Specs that cannot work are refused before anything starts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from actors import Mailbox, open_runtime
from supervisors import Backoff, BadSpec, ChildSpec, SupervisorSpec, check_spec, start_supervisor


async def run(mailbox: Mailbox[Any]) -> None:
    raise AssertionError("nothing is started")


def refuse(**fields: Any) -> tuple[str, SupervisorSpec]:
    (field,) = fields
    return field, SupervisorSpec(**fields)


def refuse_child(**fields: Any) -> tuple[str, SupervisorSpec]:
    field = next(iter(fields))
    return field, SupervisorSpec(children=[ChildSpec(**{"id": "a", "start": run, **fields})])


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        refuse(strategy="one_for_none"),
        refuse(max_restarts=-1),
        refuse(max_restarts=1.5),
        refuse(period=0),
        refuse(period=math.inf),
        refuse(auto_shutdown="often"),
        refuse_child(id=""),
        refuse_child(start="run"),
        ("strategy", refuse_child(start=refuse(strategy="no")[1])[1]),
        refuse_child(restart="often"),
        refuse_child(shutdown=-1),
        refuse_child(shutdown=math.nan),
        refuse_child(start_timeout=0),
        refuse_child(capacity=0),
        refuse_child(overflow="drop"),
        refuse_child(key="name"),
        ("backoff.first", refuse_child(backoff=Backoff(0, 1))[1]),
        ("backoff.limit", refuse_child(backoff=Backoff(2, 1))[1]),
        ("backoff.limit", refuse_child(backoff=Backoff(2, math.inf))[1]),
        ("backoff.jitter", refuse_child(backoff=Backoff(1, 2, jitter=-0.1))[1]),
        ("backoff.reset", refuse_child(backoff=Backoff(1, 2, reset=-1))[1]),
        refuse_child(significant=True),
        refuse_child(significant=True, restart="transient"),
    ],
)
async def test_a_spec_that_cannot_work_is_refused_by_field_before_anything_starts(
    field: str, spec: SupervisorSpec
) -> None:
    async with open_runtime() as runtime:
        with pytest.raises(BadSpec) as refused:
            await start_supervisor(runtime, spec)
        with pytest.raises(BadSpec) as checked:
            check_spec(spec)
        assert (refused.value.field, str(checked.value)) == (field, str(refused.value))
        assert runtime.statistics().spawned == 0


async def test_two_children_of_one_id_are_refused() -> None:
    async with open_runtime() as runtime:
        with pytest.raises(BadSpec, match="an id no sibling has"):
            await start_supervisor(runtime, SupervisorSpec(children=[ChildSpec(id="a", start=run)] * 2))


async def test_supervisors_may_be_nested_a_thousand_deep() -> None:
    spec = SupervisorSpec()
    for _ in range(1_000):
        spec = SupervisorSpec(children=[ChildSpec(id="a", start=spec)])
    async with open_runtime() as runtime:
        await start_supervisor(runtime, spec)
        assert runtime.statistics().alive == 1_001
