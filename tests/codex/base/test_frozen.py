"""Data classes that attrs completes when they are first used."""

import copy
import pickle
from threading import Barrier, Thread
from typing import Any, ClassVar

import attrs
import cattrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.frozen import frozen


@frozen
class Point:
    """A place."""

    x: int
    y: int = 0
    names: list[str] = attrs.field(factory=list[str], repr=False)
    origin: ClassVar[int] = 0

    @property
    def sum(self) -> int:
        return self.x + self.y


@attrs.frozen
class AttrsPoint:
    x: int
    y: int = 0
    names: list[str] = attrs.field(factory=list[str], repr=False)


@frozen
class Empty:
    """Nothing."""


def _is_complete(cls: type[Any]) -> bool:
    return isinstance(vars(cls)["__attrs_attrs__"], tuple)


def test_attrs_gives_a_class_its_methods_when_the_first_instance_is_made() -> None:
    @frozen
    class Late:
        x: int = 1

    before = _is_complete(Late)
    made = Late()
    assert (before, _is_complete(Late), attrs.asdict(made)) == (False, True, {"x": 1})  # pyright: ignore[reportArgumentType]


def test_asking_for_the_fields_completes_a_class_that_has_no_instance_yet() -> None:
    @frozen
    class Asked:
        x: int
        y: str = "a"

    assert [(field.name, field.type, field.default) for field in attrs.fields(Asked)] == [
        ("x", int, attrs.NOTHING),
        ("y", str, "a"),
    ]
    assert _is_complete(Asked)


def test_cattrs_builds_a_class_that_has_no_instance_yet() -> None:
    @frozen
    class Wire:
        x: int
        y: str = "a"

    assert cattrs.structure({"x": 3}, Wire) == Wire(3)


@given(st.integers(), st.integers(), st.lists(st.text()))
def test_an_instance_is_what_attrs_would_have_made(x: int, y: int, names: list[str]) -> None:
    point, other = Point(x, y, names), AttrsPoint(x, y, names)
    assert attrs.asdict(point) == attrs.asdict(other)  # pyright: ignore[reportArgumentType]
    assert repr(point) == repr(other).replace("AttrsPoint", "Point")
    assert (point == Point(x, y, names), point == Point(x + 1, y, names), point == (x, y, names)) == (
        True,
        False,
        False,
    )
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == point
    assert attrs.evolve(point, y=y + 1) == Point(x, y + 1, names)
    assert (point.sum, Point.origin, Point.__match_args__) == (x + y, 0, ("x", "y", "names"))


def test_equal_values_have_equal_hashes_and_kinds_differ() -> None:
    assert len({Empty(), Empty()}) == 1
    assert Empty() != Point(1)


@pytest.mark.parametrize("name", ["x", "unknown"])
def test_nothing_can_be_changed(name: str) -> None:
    point = Point(1)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(point, name, 2)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(point, name)
    assert not hasattr(point, "__dict__")


def test_wrong_arguments_are_refused_as_ever() -> None:
    @frozen
    class Strict:
        x: int

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Strict()  # pyright: ignore[reportCallIssue]


def test_a_base_is_refused() -> None:
    with pytest.raises(AssertionError, match="has bases"):

        @frozen
        class Derived(Point):  # pyright: ignore[reportUnusedClass, reportGeneralTypeIssues]
            pass


def test_threads_that_make_the_first_instances_at_once_all_get_one() -> None:
    for _ in range(50):

        @frozen
        class Shared:
            x: int

        barrier, made = Barrier(4), list[object]()

        def make(kind: type[Any] = Shared, barrier: Barrier = barrier, made: list[object] = made) -> None:
            barrier.wait()
            made.append(kind(7))

        threads = [Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [Shared(7)] * 4


@frozen(kw_only=True)
class Named:
    x: int
    y: str = "a"
    kind: ClassVar[str] = "named"


def test_a_class_may_take_its_fields_by_name_only() -> None:
    assert repr(Named(y="b", x=1)) == "Named(x=1, y='b')"
    assert (Named.__match_args__, Named.kind, [field.kw_only for field in attrs.fields(Named)]) == (
        (),
        "named",
        [True, True],
    )
    with pytest.raises(TypeError, match="positional"):
        Named(1)  # pyright: ignore[reportCallIssue]
