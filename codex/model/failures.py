"""What the provider or the network did wrong, as a `ModelError` with one line for the user.

Pure: from status and body, from an error event, or from the chain of exceptions under a failed connection. Whether and
when to try again is only marked here (`retryable`, `retry_after`) and done by `retry`, the client and the turn.
"""

import errno
import re
from collections.abc import Iterator, Mapping
from typing import cast

from codex.base.jsontext import JsonObject, decode_object, get_object, get_str
from codex.model._phrases import phrase_of
from codex.model.provider import Endpoint
from codex.ports.model import ModelError, ModelErrorKind

NETWORK_CUT = "Transport error: network error: error decoding response body"
IDLE = "idle timeout waiting for SSE"

# A server that asks for a longer pause than this is not waited for: the turn fails and says when it may go on.
MAX_RETRY_AFTER = 600.0

_MAX_SNIPPET = 600
_TRY_AGAIN = re.compile(r"try again in\s*((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h)[a-z]*\s*)+)", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_QUOTA_CODES = frozenset(
    {"insufficient_quota", "usage_limit_reached", "usage_not_included", "billing_hard_limit_reached"}
)
_UNKNOWN_MODEL = frozenset({"model_not_found", "invalid_model"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "slow_down"})
_INVALID_IMAGE = "does not represent a valid image"


def stream_failure(reason: str, retry_after: float | None = None, *, retryable: bool = True) -> ModelError:
    """The stream ended before its end; the same input may be sent again."""
    message = f"stream disconnected before completion: {reason}"
    return ModelError(message, "stream_disconnected", retryable=retryable, retry_after=retry_after)


def incomplete_response(reason: str) -> ModelError:
    """`response.incomplete`: a filter may let the next attempt pass; whatever else cut the answer off will not."""
    text = f"Incomplete response returned, reason: {reason}"
    return stream_failure(text) if reason == "content_filter" else ModelError(text, "other")


def failure_of_response(error: JsonObject) -> ModelError:
    """What an error object inside a stream means (`response.failed`, `error`)."""
    code = get_str(error, "code") or get_str(error, "type")
    message = get_str(error, "message")
    if code == "context_length_exceeded":
        return _context_full(message or code)
    if code in _QUOTA_CODES:
        return _quota(message or code)
    if code == "server_is_overloaded":
        return _overloaded(message)
    if code in ("invalid_prompt", "invalid_request_error", "invalid_value", "bio_policy", "cyber_policy"):
        return ModelError(message or f"the server refused the request ({code})", "bad_request")
    if code in _UNKNOWN_MODEL:
        return ModelError(message or "the server does not know the model", "model_not_found")
    if code in _RATE_CODES:
        return _rate_limited(message or code, asked_pause(message))
    return stream_failure(message or code or "response.failed event received")


def asked_pause(message: str) -> float | None:
    """Seconds in "try again in 1.5s" or "in 6m0s"; None when no such words are there."""
    found = _TRY_AGAIN.search(message)
    if found is None:
        return None
    return sum(float(part[1]) * _SECONDS[part[2].lower()] for part in _PART.finditer(found[1]))


def failure_of_status(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, *, model: str, now: float
) -> ModelError:
    """What an answer other than 2xx means.

    Args:
      headers: their names in lower case.
      now: the wall time, for pauses given as a date.
    """
    text = body.decode("utf-8", "replace")
    error = _error_object(body)
    code = get_str(error, "code") or get_str(error, "type")
    if status == 400:
        return _bad_request(text, code, error, endpoint, model)
    pause = _pause_of(headers, now)
    if status == 429:
        return _too_many(headers, code, error, pause)
    if status == 503 and code == "server_is_overloaded":
        return _overloaded(get_str(error, "message"), http_status=503)
    if status == 503 and code == "slow_down":
        return _rate_limited(get_str(error, "message") or code, pause, http_status=503)
    told = get_str(error, "message") or text
    message = f"unexpected status {status} {phrase_of(status)}: {_one_line(told) or 'Unknown error'}"
    message += f", url: {endpoint.shown_url}{_traces(headers)}"
    kind, way_out = _kind_and_way_out(status, f"{code} {told}", headers, endpoint, model)
    if way_out:
        message += f" ({way_out})"
    # A key or an address that is refused is asked again as in Codex: gateways take a moment to know a new one.
    retryable = status >= 400 and code not in _UNKNOWN_MODEL
    return ModelError(message, kind, retryable=retryable, retry_after=pause, http_status=status)


def _traces(headers: Mapping[str, str]) -> str:
    """What the server's people find the request by."""
    names = {"cf-ray": "cf-ray", "x-request-id": "request id"}
    return "".join(f", {shown}: {headers[name]}" for name, shown in names.items() if headers.get(name))


def _bad_request(text: str, code: str, error: JsonObject, endpoint: Endpoint, model: str) -> ModelError:
    # The body as it came, as Codex shows it, save for what has a way out.
    message = get_str(error, "message")
    if code == "context_length_exceeded":
        return _context_full(message or code, http_status=400)
    if _INVALID_IMAGE in text:
        way_out = "it is in this thread's history: start a new one without it"
        refused = f"the server cannot use an image that was sent; {way_out} ({_one_line(message or text)})"
        return ModelError(refused, "bad_request", http_status=400)
    if _names_unknown_model(f"{code} {message or text}"):
        return ModelError(f"{text} ({_model_way_out(endpoint, model)})", "model_not_found", http_status=400)
    return ModelError(text or "the server refused the request without a word", "bad_request", http_status=400)


def _too_many(headers: Mapping[str, str], code: str, error: JsonObject, pause: float | None) -> ModelError:
    kinds = {code, get_str(error, "type")}
    if kinds & _QUOTA_CODES:
        return _quota(get_str(error, "message") or code, http_status=429)
    message = f"exceeded retry limit, last status: 429 {phrase_of(429)}"
    if request_id := headers.get("x-request-id"):
        message += f", request id: {request_id}"
    if pause is not None and pause > MAX_RETRY_AFTER:
        message += f" (the server asks for a pause of {pause:.0f} s: try again then)"
        pause = None
    return ModelError(message, "rate_limit_exceeded", retryable=pause is not None, retry_after=pause, http_status=429)


def _rate_limited(message: str, pause: float | None, *, http_status: int | None = None) -> ModelError:
    """The server wants fewer requests; one that asks for a long pause is not waited for."""
    text = f"rate limit exceeded: {_one_line(message)}"
    if pause is not None and pause > MAX_RETRY_AFTER:
        return ModelError(f"{text} (too long to be waited for)", "rate_limit_exceeded", http_status=http_status)
    return ModelError(text, "rate_limit_exceeded", retryable=True, retry_after=pause, http_status=http_status)


def _context_full(message: str, *, http_status: int | None = None) -> ModelError:
    text = "the input no longer fits into the model's context window: start a new session or send less"
    return ModelError(f"{text} ({_one_line(message)})", "context_window_exceeded", http_status=http_status)


def _quota(message: str, *, http_status: int | None = None) -> ModelError:
    text = "the account's usage limit or quota is spent: wait for its reset, or check its plan and billing"
    return ModelError(f"{text} ({_one_line(message)})", "usage_limit_exceeded", http_status=http_status)


def _overloaded(message: str, *, http_status: int | None = None) -> ModelError:
    """Asked again by the client itself where it came as a status; the turn does not wait for it."""
    text = "the model is overloaded at the moment: try again later or choose another with -m"
    return ModelError(
        f"{text} ({_one_line(message)})" if message else text, "server_overloaded", http_status=http_status
    )


def _kind_and_way_out(
    status: int, told: str, headers: Mapping[str, str], endpoint: Endpoint, model: str
) -> tuple[ModelErrorKind, str]:
    if status in (401, 403):
        return "unauthorized", endpoint.auth_hint
    if status == 404:
        if _names_unknown_model(told):
            return "model_not_found", _model_way_out(endpoint, model)
        path = "base_url usually ends in /v1" if not endpoint.base_url.rstrip("/").endswith("/v1") else "check base_url"
        other = 'a server without the Responses API needs wire_api = "chat"' if endpoint.wire_api == "responses" else ""
        return "other", "; ".join(part for part in (path, other) if part)
    if 300 <= status < 400:
        return "other", f"redirects are not followed: set base_url to {headers.get('location', 'where it leads')!r}"
    if status == 413:
        return "bad_request", ""
    if status >= 500:
        return "internal_server_error", ""
    return "other", ""


def _names_unknown_model(told: str) -> bool:
    lowered = told.lower()
    return "model_not_found" in lowered or (
        "model" in lowered and any(word in lowered for word in ("not found", "does not exist", "not exist", "unknown"))
    )


def _model_way_out(endpoint: Endpoint, model: str) -> str:
    match endpoint.local:
        case "ollama":
            return f"get the model with `ollama pull {model}`"
        case "lmstudio":
            return f"get the model with `lms get {model}`, or choose a loaded one with -m"
        case _:
            return f"{model!r} came from -m or the config key `model`: choose one that the provider offers"


def failure_of_connection(error: BaseException, endpoint: Endpoint, *, endless: bool = False) -> ModelError:
    """What a failed connection means: refused, unknown host and untrusted certificates end at once.

    Args:
      endless: `features.unbounded_connection_retries`: a server that cannot be reached is waited for.
    """
    for cause in chain_of(error):
        name = type(cause).__name__
        if isinstance(cause, ConnectionRefusedError) or getattr(cause, "errno", None) == errno.ECONNREFUSED:
            return _unreachable(f"connection refused by {_next_hop(endpoint)}", endpoint, retryable=endless)
        if name == "gaierror":
            import socket

            if isinstance(cause, OSError) and cause.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
                return _unreachable(f"no address is known for {_next_hop(endpoint)}", endpoint, retryable=endless)
        if name == "SSLCertVerificationError":
            text = f"the certificate of {endpoint.host} is not trusted: {_one_line(str(cause))}"
            way_out = "name your authority's certificate in CODEX_CA_CERTIFICATE or SSL_CERT_FILE"
            return ModelError(f"{text} ({way_out})", "connection_failed")
        if name == "ProxyError":
            return ModelError(f"the proxy {endpoint.shown_proxy} refused: {_one_line(str(cause))}", "connection_failed")
    reason = _one_line(str(error)) or type(error).__name__
    message = f"stream disconnected before completion: error sending request for url ({endpoint.shown_url}): {reason}"
    return ModelError(message, "connection_failed", retryable=True)


def late_headers(seconds: float) -> ModelError:
    """The server took the request and did not answer in time."""
    return stream_failure(f"no response headers within {seconds:g} s (response_header_timeout_ms)")


def no_event_stream(content_type: str, body: bytes, endpoint: Endpoint) -> ModelError:
    """The server said yes, but sent a document where a stream of events was asked for."""
    error = _error_object(body)
    if error:
        return failure_of_response(error)
    message = f"{endpoint.shown_url} answered with {content_type!r} instead of an event stream"
    return ModelError(f"{message}: {_one_line(body[:2000].decode('utf-8', 'replace'))}", "other")


def unknown_encoding(encoding: str, endpoint: Endpoint) -> ModelError:
    """The answer is packed in a way that was not asked for and cannot be undone."""
    return ModelError(
        f"{endpoint.shown_url} answered with content-encoding {encoding!r}, which was not asked for", "other"
    )


def _next_hop(endpoint: Endpoint) -> str:
    return endpoint.host if endpoint.proxy is None else f"the proxy {endpoint.shown_proxy}"


def _unreachable(reason: str, endpoint: Endpoint, *, retryable: bool) -> ModelError:
    return ModelError(f"{reason}: {endpoint.server_hint}", "connection_failed", retryable=retryable)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it, groups opened; each once."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", current)
            waiting.extend(group.exceptions)
        waiting.extend(cause for cause in (current.__cause__, current.__context__) if cause is not None)


def _pause_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of `retry-after`, given as a number or as a date; None when there is none."""
    if milliseconds := headers.get("retry-after-ms"):
        try:
            return max(0.0, float(milliseconds) / 1000)
        except ValueError:
            pass
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        return _seconds_until(value, now)


def _seconds_until(date: str, now: float) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (TypeError, ValueError):
        return None


def _error_object(body: bytes) -> JsonObject:
    try:
        answer = decode_object(body)
    except ValueError:
        return {}
    error = answer.get("error")
    if isinstance(error, str):
        return {"message": error}
    return get_object(answer, "error") or ({"message": answer["message"]} if "message" in answer else {})


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SNIPPET else f"{line[:_MAX_SNIPPET]}…"
