"""The `openai` package, loaded late: its import takes longer than all the rest of a start, and 19 MB.

Loading happens in a thread, in a moment when the loop has time to spare; nothing waits for it.
"""

import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import trio

from codex.model._wire import Answer, WireError
from codex.model.provider import Endpoint

if TYPE_CHECKING:
    import httpx2

# One request is under way, and there is no byte of its answer yet for so long: the model thinks.
_ANSWER_QUIET = 0.05
# Nothing is under way for so long.
_IDLE_QUIET = 0.5
_LOOK_AGAIN = 0.25

_LAZY_PACKAGES = (
    "openai.types",
    "openai.types.chat",
    "openai.types.responses",
    "openai.types.shared",
    "openai.types.shared_params",
)

# What openai imports: giving up is possible between any two.
_STEPS = ("asyncio", "anyio", "httpx2", "httpcore2", "pydantic")

_loading = threading.Lock()


class OpenAILoader:
    """Loads `openai` once, when it is quiet: while a model thinks, or between requests; never beside many of them.

    The thread is no daemon: an interpreter that ends under a half-done import may wait for its lock for ever.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._error: Exception | None = None
        # What the thread looks at: written by the loop, one plain value each.
        self._under_way = 0
        self._is_awaited = False
        self._changed_at = 0.0

    def is_done(self) -> bool:
        """Whether `openai` is loaded.

        Raises:
          ImportError: it cannot be.
        """
        if self._error is not None:
            raise self._error
        return is_loaded()

    def began(self) -> None:
        """A request is under way from here to `ended`."""
        self._under_way += 1
        self._changed(is_awaited=False)

    def sent(self) -> None:
        """A request is being sent, and the head of its answer awaited."""
        self._changed(is_awaited=True)
        if self._thread is None and not is_loaded():
            thread = threading.Thread(target=self._run, name="load openai")
            with suppress(RuntimeError):  # a system without room for a thread can wait for the next request
                thread.start()
                self._thread = thread

    def answered(self) -> None:
        """The server answers: the loop needs the processor for itself."""
        self._changed(is_awaited=False)

    def ended(self) -> None:
        """The answer was read, or given up."""
        self._under_way -= 1
        self._changed(is_awaited=False)

    async def aclose(self) -> None:
        """Return when no thread of ours is left, after the package at hand. Cancelling leaves it to its end."""
        self._stopped.set()
        if self._thread is not None and self._thread.is_alive():
            await trio.to_thread.run_sync(self._thread.join, abandon_on_cancel=True)

    def _changed(self, *, is_awaited: bool) -> None:
        self._is_awaited, self._changed_at = is_awaited, time.monotonic()

    def _run(self) -> None:
        while (left := self._seconds_left()) > 0:
            if self._stopped.wait(left):
                return
        try:
            load_openai(self._stopped)
        except Exception as error:
            # Told where it is used next.
            self._error = error

    def _seconds_left(self) -> float:
        """How long it must stay as it is to be quiet; nothing is left when it is."""
        if self._under_way > 1 or (self._under_way == 1 and not self._is_awaited):
            return _LOOK_AGAIN
        quiet = _ANSWER_QUIET if self._under_way else _IDLE_QUIET
        return min(self._changed_at + quiet - time.monotonic(), _LOOK_AGAIN)


def is_loaded() -> bool:
    """Whether `openai` is there for use, wholly imported."""
    module = sys.modules.get("openai")
    return module is not None and hasattr(module, "AsyncOpenAI") and not _loading.locked()


def load_openai(stopped: threading.Event | None = None) -> None:
    """Import `openai`; its five hundred type modules only when somebody asks for one.

    Args:
      stopped: set it from another thread to give up. A package is imported whole or not at all: giving up within one
        would leave the interpreter with half of it.

    Raises:
      ImportError: `openai` is not installed as it should be.
    """
    with _loading:
        for package in _STEPS:
            if stopped is not None and stopped.is_set():
                return
            import_module(package)
        if "openai" in sys.modules:
            return
        if _put_lazy_types():
            try:
                import_module("openai")
            except Exception:
                # This version does not bear the stand-ins: take them away and import plainly.
                for name in [name for name in sys.modules if name == "openai" or name.startswith("openai.")]:
                    del sys.modules[name]
            else:
                return
        import_module("openai")


def _put_lazy_types() -> bool:
    """Put stand-ins for the packages of types; False when `openai` is not where one can look for it."""
    from importlib.util import find_spec

    package = find_spec("openai")
    if package is None or not package.submodule_search_locations:
        return False
    path = list(package.submodule_search_locations)
    return all(_put_lazy_package(name, path) for name in _LAZY_PACKAGES)


def _put_lazy_package(name: str, openai_path: list[str]) -> bool:
    """A package that imports its modules one by one, and all of itself when a name is in none of them."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    parent, _, last = name.rpartition(".")
    above = openai_path if parent == "openai" else list(sys.modules[parent].__path__)
    spec = PathFinder.find_spec(name, above)
    if spec is None or spec.loader is None:
        return False
    loader = spec.loader
    module = module_from_spec(spec)

    def load(attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        try:
            # By openai's custom the class `ChatCompletion` is in the module `chat_completion`.
            return getattr(import_module(f"{name}.{_snake_case(attribute)}"), attribute)
        except (ImportError, AttributeError):
            module.__dict__.pop("__getattr__", None)
            loader.exec_module(module)
            return getattr(module, attribute)

    module.__dict__["__getattr__"] = load
    sys.modules[name] = module
    if parent != "openai":
        setattr(sys.modules[parent], last, module)
    return True


def _snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class OpenAISender:
    """Sends through `openai`, over the connections of the HTTP client it is given."""

    def __init__(self, endpoint: Endpoint, http: "httpx2.AsyncClient") -> None:
        import openai

        from codex.model._openai_stream import ResponseOnly

        self._stream_cls = ResponseOnly
        self._url = endpoint.url
        self._client = openai.AsyncOpenAI(
            api_key="unused", base_url=endpoint.url, http_client=http, max_retries=0, timeout=http.timeout
        )
        # The headers are ours, the key among them: what openai would add on its own is left out.
        own = ("authorization", "openai-organization", "openai-project", "idempotency-key")
        counted = ("x-stainless-retry-count", "x-stainless-read-timeout")
        told = (name for name in self._client.default_headers if name.lower().startswith("x-stainless"))
        self._omitted: dict[str, openai.Omit] = {name.lower(): openai.Omit() for name in (*own, *counted, *told)}

    async def send(self, headers: dict[str, str], content: bytes) -> Answer:
        """Send one request and wait for the head of its answer. Cancelling closes the connection.

        Raises:
          WireError: nothing answered.
        """
        import openai

        from codex.model._httpx import answer_of

        try:
            stream = await self._client.post(
                self._url,
                cast_to=object,
                content=content,
                options={"headers": {**self._omitted, **headers}},
                stream=True,
                stream_cls=self._stream_cls,
            )
        except openai.APIStatusError as error:
            return answer_of(error.response)
        except openai.APIConnectionError as error:
            raise WireError(str(error.__cause__ or error)) from error
        return answer_of(stream.response)
