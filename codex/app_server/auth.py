"""Who may connect over a network: a capability token, or bearer tokens signed with a shared secret.

Pure: the clock and the files are read by others. Tokens are compared in constant time and never shown.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Protocol, TypeAlias

import attrs

from codex.base.errors import UserError
from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject, decode_object

DEFAULT_CLOCK_SKEW = 30
_MIN_SECRET_BYTES = 32

Refusal: TypeAlias = str


class Guard(Protocol):
    """Decides by the `Authorization` header of a handshake."""

    def refuse(self, authorization: str | None, *, now: float) -> Refusal | None:
        """Why the connection is refused; None when it may come in.

        Args:
          now: seconds since the epoch.
        """
        ...


@frozen
class CapabilityToken:
    """Lets in who shows the token."""

    sha256: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, token: str) -> "CapabilityToken":
        """The guard for this token; blanks around it do not count."""
        return cls(hashlib.sha256(token.strip().encode()).digest())

    @classmethod
    def of_digest(cls, digest: str) -> "CapabilityToken":
        """The guard for the token with this SHA-256, in hex. Raises: UserError."""
        try:
            raw = bytes.fromhex(digest.strip())
        except ValueError:
            raw = b""
        if len(raw) != 32:
            raise UserError("--ws-token-sha256 must be a 64-character hex SHA-256 digest")
        return cls(raw)

    def refuse(self, authorization: str | None, *, now: float) -> Refusal | None:
        """See `Guard`."""
        token, refusal = _bearer(authorization)
        if refusal is not None:
            return refusal
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        return None if hmac.compare_digest(digest, self.sha256) else "invalid websocket bearer token"


@frozen
class SignedBearerToken:
    """Lets in who shows a JSON Web Token, signed with HS256 and not expired.

    Attributes:
      issuer, audience: what `iss` and `aud` must name; None for any.
      clock_skew: seconds by which the clocks may differ.
    """

    secret: bytes = attrs.field(repr=False)
    issuer: str | None = None
    audience: str | None = None
    clock_skew: int = DEFAULT_CLOCK_SKEW

    def refuse(self, authorization: str | None, *, now: float) -> Refusal | None:
        """See `Guard`."""
        token, refusal = _bearer(authorization)
        if refusal is not None:
            return refusal
        claims = self._claims(token)
        expires, begins = _time(claims.get("exp")), _time(claims.get("nbf", 0))
        if expires is None or begins is None:
            return "invalid websocket jwt"
        if now > expires + self.clock_skew:
            return "expired websocket jwt"
        if now < begins - self.clock_skew:
            return "websocket jwt is not valid yet"
        if self.issuer is not None and claims.get("iss") != self.issuer:
            return "websocket jwt issuer mismatch"
        audience = claims.get("aud")
        if self.audience is not None and self.audience not in (audience if isinstance(audience, list) else [audience]):
            return "websocket jwt audience mismatch"
        return None

    def _claims(self, token: str) -> JsonObject:
        """What a genuine token says; nothing for any other."""
        signed, _, signature = token.rpartition(".")
        head, dot, body = signed.partition(".")
        try:
            expected = hmac.digest(self.secret, signed.encode("ascii"), "sha256")
            genuine = hmac.compare_digest(expected, _decoded(signature))
            if not dot or not genuine or decode_object(_decoded(head)).get("alg") != "HS256":
                return {}
            return decode_object(_decoded(body))
        except (ValueError, binascii.Error):
            return {}


def signing_secret(secret: bytes, where: str) -> bytes:
    """The shared secret that a file holds; blanks around it do not count.

    Raises: UserError when it is too short to be guessed by nobody.
    """
    secret = secret.strip()
    if len(secret) < _MIN_SECRET_BYTES:
        raise UserError(f"signed websocket bearer secret {where} must be at least {_MIN_SECRET_BYTES} bytes")
    return secret


def _time(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bearer(authorization: str | None) -> tuple[str, Refusal | None]:
    if authorization is None:
        return "", "missing websocket bearer token"
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return "", "invalid authorization header"
    return token.strip(), None


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
