"""Tools of a program: functions that the model calls, with the schema of their arguments from their signature.

    @tool
    async def weather(city: Annotated[str, "As on a map."], days: int = 1) -> str:
        \"\"\"What the weather will be.\"\"\"

An async function runs in the program's own loop and is cancelled with the turn. Another one runs in a Python process of
its own, which is killed with the turn, so it is one of a module, and what it needs it finds by importing.
"""

import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, cast, overload

import attrs

from codex.base.errors import ToolFailure
from codex.base.jsontext import Json, JsonObject, encode
from codex.base.typed_json import NotOfType, object_schema, parse_as, schema_of
from codex.ports.dynamic_tools import DynamicCall, DynamicResult, DynamicTool, DynamicTools

Function: TypeAlias = Callable[..., object]
Run: TypeAlias = Callable[[Callable[[], Awaitable[DynamicResult]]], Awaitable[DynamicResult]]
"""How an async function is run: here, or on another loop."""


@attrs.frozen
class FunctionTool:
    """A function as a tool; `tool` makes one. It can still be called as the function it is."""

    function: Function
    name: str
    description: str
    namespace: str | None = None

    @property
    def spec(self) -> DynamicTool:
        """What the model is told. Raises: NoSchema for a parameter whose type has none."""
        return DynamicTool(self.name, self.description, _schema_of(self.function), self.namespace)

    @property
    def is_async(self) -> bool:
        """Whether it runs in the program's loop."""
        return inspect.iscoroutinefunction(self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself."""
        return self.function(*args, **kwargs)

    async def answer(self, arguments: Json) -> DynamicResult:
        """Call an async function with the model's arguments; whatever it raises is told to the model."""
        try:
            value = self.function(**self._checked(arguments))
            return result_of(await cast("Awaitable[object]", value))
        except Exception as error:
            return failure(error)

    def answer_sync(self, arguments: Json) -> DynamicResult:
        """Call another function with the model's arguments; whatever it raises is told to the model."""
        try:
            return result_of(self.function(**self._checked(arguments)))
        except Exception as error:
            return failure(error)

    def _checked(self, arguments: Json) -> dict[str, object]:
        if not isinstance(arguments, dict):
            raise ToolFailure(f"the arguments of `{self.name}` must be an object, got {encode(arguments)}")
        parameters, hints = _parameters(self.function), _hints(self.function)
        unknown = sorted(set(arguments) - set(parameters))
        missing = [name for name, one in parameters.items() if one.default is one.empty and name not in arguments]
        faults = [f"unknown argument `{name}`" for name in unknown]
        faults += [f"missing argument `{name}`" for name in missing]
        values = dict[str, object]()
        for name in (one for one in parameters if one in arguments):
            try:
                values[name] = parse_as(hints.get(name, cast("Any", object)), arguments[name])
            except NotOfType as error:
                faults += [f"`{name}`: {fault}" for fault in error.faults]
        if faults:
            raise ToolFailure(f"`{self.name}` was not called: {'; '.join(faults)}")
        return values


@overload
def tool(function: Function, /) -> FunctionTool: ...
@overload
def tool(*, name: str | None = None, namespace: str | None = None) -> Callable[[Function], FunctionTool]: ...
def tool(
    function: Function | None = None, /, *, name: str | None = None, namespace: str | None = None
) -> FunctionTool | Callable[[Function], FunctionTool]:
    """Make a tool of a function; its docstring is what the model is told of it.

    Args:
      name: another one than the function's.
      namespace: the group of tools it belongs to.

    Raises: TypeError for a function that cannot be one, with the reason: a parameter without a JSON Schema, `*args`,
      or a function that is not async inside of another one.
    """

    def make(function: Function) -> FunctionTool:
        made = FunctionTool(function, name or function.__name__, inspect.getdoc(function) or "", namespace)
        if not made.is_async and "<locals>" in function.__qualname__:
            raise TypeError(
                f"{function.__qualname__}: a tool that is not async runs in a process of its own, which finds it by "
                "its module; move it out of the function, or make it async"
            )
        _schema_of(function)
        return made

    return make if function is None else make(function)


def bring(
    tools: Sequence[FunctionTool], *, run: Run | None = None, descriptions: dict[str, str] | None = None
) -> DynamicTools:
    """The tools as a thread takes them.

    Args:
      run: how async ones are run; as they are, in Trio, without it.
      descriptions: of their namespaces.

    Raises: UserError for a name that cannot be, or comes twice.
    """
    known = {one.name: one for one in tools}

    async def call(asked: DynamicCall) -> DynamicResult:
        one = known[asked.tool]
        if not one.is_async:
            from codex.embed._worker import run_in_process

            return await run_in_process(one.function, asked.arguments)

        async def answer() -> DynamicResult:
            return await one.answer(asked.arguments)

        return await (answer() if run is None else run(answer))

    return DynamicTools(tuple(one.spec for one in tools), call, descriptions or {})


def result_of(value: object) -> DynamicResult:
    """What a function gave, for the model: text as it is, everything else as JSON."""
    if isinstance(value, DynamicResult):
        return value
    if isinstance(value, str):
        return DynamicResult.text(value)
    if hasattr(value, "model_dump"):
        return DynamicResult.text(encode(cast("Any", value).model_dump(mode="json")))
    import cattrs

    return DynamicResult.text(encode(cattrs.unstructure(value)))


def failure(error: Exception) -> DynamicResult:
    """What a function raised, for the model."""
    text = str(error) if isinstance(error, ToolFailure) else f"{type(error).__name__}: {error}"
    return DynamicResult.text(text, success=False)


def _parameters(function: Function) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    for one in parameters.values():
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise TypeError(f"{function.__qualname__}: parameter {one} cannot be given by name; a tool's must be")
    return dict(parameters)


def _hints(function: Function) -> dict[str, Any]:
    return typing.get_type_hints(function, include_extras=True)


def _schema_of(function: Function) -> JsonObject:
    hints, parameters = _hints(function), _parameters(function)
    return object_schema(
        {name: schema_of(hints.get(name, object), where=f"{function.__qualname__}({name})") for name in parameters},
        [name for name, one in parameters.items() if one.default is one.empty],
    )
