"""The `openai` package, loaded late: its import takes longer than all the rest of a start.

Loading happens in a thread, in the quiet time while the first answer is awaited, else beside the second request.
Nothing waits for it.
"""

import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import trio

from codex.model._wire import Answer, WireError
from codex.model.provider import Endpoint

if TYPE_CHECKING:
    import httpx2

# No byte for so long after sending, and the loop has time to spare.
QUIET_SECONDS = 0.05

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
    """Loads `openai` once, at once or when it stays quiet for a moment.

    The thread is no daemon: an interpreter that ends under a half-done import may wait for its lock for ever.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._error: Exception | None = None

    def is_done(self) -> bool:
        """Whether `openai` is loaded.

        Raises:
          ImportError: it cannot be.
        """
        if self._error is not None:
            raise self._error
        return is_loaded()

    def start(self, *, quiet: bool) -> None:
        """Begin to load if nobody has; with `quiet` only unless `answered` is called within `QUIET_SECONDS`."""
        if is_loaded() or (self._thread is not None and self._thread.is_alive()):
            return
        # A system without room for a thread can wait for the next request.
        with suppress(RuntimeError):
            self._start(QUIET_SECONDS if quiet else 0.0)

    def answered(self) -> None:
        """The server answers: the loop needs the processor for itself."""
        self._answered.set()

    async def load(self) -> None:
        """Return when `openai` is loaded. Cancel-safe: loading goes on in its thread.

        Raises:
          trio.ClosedResourceError: `aclose` was called.
        """
        while not is_loaded():
            if self._stopped.is_set():
                raise trio.ClosedResourceError("this model client is closed")
            if self._thread is None or not self._thread.is_alive():
                self._start(0.0)
            await self._wait_for_thread()
            if self._error is not None:
                raise self._error

    async def aclose(self) -> None:
        """Return when no thread of ours is left, after the package at hand. Cancelling leaves it to its end."""
        self._stopped.set()
        self._answered.set()
        await self._wait_for_thread()

    def _start(self, quiet: float) -> None:
        thread = threading.Thread(target=self._run, args=(quiet,), name="load openai")
        thread.start()
        self._thread = thread

    async def _wait_for_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            await trio.to_thread.run_sync(self._thread.join, abandon_on_cancel=True)

    def _run(self, quiet: float) -> None:
        if quiet and self._answered.wait(quiet):
            return
        try:
            load_openai(self._stopped)
        except Exception as error:
            # Told where it is waited for; who does not need openai is not bothered.
            self._error = error


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
