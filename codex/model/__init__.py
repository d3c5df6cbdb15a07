"""Models: which there are, how a request to one looks, and the client that sends it and decodes the answer.

The client speaks the Responses API, chat completions, and to the scripted model in this process; all three stand
behind `ports.ModelClient`. What to do about a broken stream is decided in the turn, with the tables of `retry`.
"""

from codex.model.catalog import ApplyPatchTool, ModelInfo, fallback_warning, load_catalog, lookup, lookup_model
from codex.model.client import open_model_client
from codex.model.request import RequestIds, build_request
from codex.model.retry import StreamRetry, stream_delay, stream_retry

__all__ = [
    "ApplyPatchTool",
    "ModelInfo",
    "RequestIds",
    "StreamRetry",
    "build_request",
    "fallback_warning",
    "load_catalog",
    "lookup",
    "lookup_model",
    "open_model_client",
    "stream_delay",
    "stream_retry",
]
