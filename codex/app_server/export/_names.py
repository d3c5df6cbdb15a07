"""The protocol's types and their names: classes have theirs, unions and words are named by their aliases."""

import importlib
import pkgutil
import sys
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from codex.app_server import api
from codex.app_server._fields import Field, Unset, fields_of, is_class
from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS, SERVER_REQUESTS, Method, Notification
from codex.app_server.api.experimental import FIELDS

_V1 = ("InitializeParams", "InitializeResponse")
_TOP = ("approval", "dynamic_tool", "fuzzy")


@attrs.frozen(eq=False)
class Named:
    """A type with a name, and the module in whose words its parts are named."""

    name: str
    type: Any
    module: str


@attrs.frozen
class Root:
    """A type that a method or a notification speaks in."""

    named: Named
    folder: str
    """Where its file goes, as in Codex's export: `v1/`, `v2/` or none."""


class Names:
    """All names of the protocol."""

    def __init__(self, *, experimental: bool) -> None:
        self.experimental = experimental
        self._by_module = {name: _names_in(name) for name in _modules()}

    def named(self, of_type: Any, module: str) -> Named | None:
        """The named type that this is, as it is called in a module; None where it has no name."""
        if is_class(of_type):
            return Named(of_type.__name__, of_type, of_type.__module__.rpartition(".")[2])
        if not _can_be_alias(of_type):
            return None
        for alias, meant in self._by_module[module].items():
            if meant == of_type:
                return Named(alias, of_type, self._home(alias))
        return None

    def _home(self, alias: str) -> str:
        """The module that has an alias and all it is made of."""
        homes = [module for module, names in self._by_module.items() if alias in names]
        return homes[0]

    def fields(self, cls: type) -> list[Field]:
        """The fields of a class, without experimental ones where these are not wanted."""
        hidden = frozenset[str]() if self.experimental else FIELDS.get(cls.__name__, frozenset())
        return [field for field in fields_of(cls) if field.wire_name not in hidden]

    def requests(self) -> dict[str, Method]:
        """What the client may ask."""
        return {name: method for name, method in REQUESTS.items() if self.experimental or not method.experimental}

    def server_requests(self) -> dict[str, Method]:
        """What the server may ask."""
        return {name: it for name, it in SERVER_REQUESTS.items() if self.experimental or not it.experimental}

    def notifications(self) -> dict[str, Notification]:
        """What the server tells."""
        return NOTIFICATIONS

    def roots(self) -> Iterator[Root]:
        """Every type that a method or notification speaks in, once."""
        seen: set[str] = set()
        methods = [*self.requests().values(), *self.server_requests().values()]
        for it in [*methods, *self.notifications().values()]:
            names = (it.params_name, it.result_name) if isinstance(it, Method) else (it.params_name,)
            for name in names:
                if name and name not in seen:
                    seen.add(name)
                    folder = "v1/" if name in _V1 else "" if it.module in _TOP else "v2/"
                    yield Root(Named(name, self._by_module[it.module][name], it.module), folder)


def members_of(of_type: Any) -> tuple[list[Any], bool]:
    """The members of a union without null and UNSET, and whether null is one of them."""
    if not is_union(of_type):
        return [of_type], False
    members = [member for member in get_args(of_type) if member is not types.NoneType and member is not Unset]
    return members, types.NoneType in get_args(of_type)


def without_null(of_type: Any) -> tuple[Any, bool]:
    """A type without null and UNSET, and whether null was part of it."""
    members, nullable = members_of(of_type)
    return (Union[tuple(members)] if is_union(of_type) else of_type), nullable  # noqa: UP007


def is_union(of_type: Any) -> bool:
    """Whether the type is a union of others."""
    return get_origin(of_type) in (Union, types.UnionType)


def _modules() -> list[str]:
    return [
        module.name for module in pkgutil.iter_modules(api.__path__) if module.name not in ("catalog", "experimental")
    ]


def _names_in(module: str) -> dict[str, Any]:
    importlib.import_module(f"{api.__name__}.{module}")
    space = vars(sys.modules[f"{api.__name__}.{module}"])
    return {name: value for name, value in space.items() if is_class(value) or _can_be_alias(value)}


def _can_be_alias(value: Any) -> bool:
    return get_origin(value) in (Union, types.UnionType, Literal, tuple)
