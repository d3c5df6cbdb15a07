"""Who may connect; each refusal is worded as Codex's."""

import base64
import hashlib
import hmac
import json

import pytest

from codex.app_server.auth import CapabilityToken, Guard, SignedBearerToken, signing_secret
from codex.base.errors import UserError

NOW = 1_800_000_000
SECRET = b"s" * 32
CLAIMS = {"iss": "me", "aud": "codex", "exp": NOW + 60}
TOKEN = CapabilityToken.of(" a secret \n")
SIGNED = SignedBearerToken(SECRET, issuer="me", audience="codex")


def jwt(claims: dict[str, object], *, secret: bytes = SECRET, alg: object = "HS256", digest: str = "sha256") -> str:
    parts = [base64url(json.dumps(part).encode()) for part in ({"alg": alg, "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    return f"Bearer {signed}.{base64url(hmac.digest(secret, signed.encode(), digest))}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("guard", "header", "refusal"),
    [
        (TOKEN, "Bearer a secret", None),
        (TOKEN, "bearer  a secret ", None),
        (CapabilityToken.of_digest(hashlib.sha256(b"t").hexdigest()), "Bearer t", None),
        (TOKEN, None, "missing websocket bearer token"),
        (TOKEN, "Bearer a secre", "invalid websocket bearer token"),
        (TOKEN, "Bearer \udcff", "invalid websocket bearer token"),
        (TOKEN, "Basic a secret", "invalid authorization header"),
        (TOKEN, "Bearer ", "invalid authorization header"),
        (TOKEN, "", "invalid authorization header"),
        (SIGNED, jwt(CLAIMS), None),
        (SIGNED, jwt({**CLAIMS, "aud": ["other", "codex"]}), None),
        (SIGNED, jwt({**CLAIMS, "exp": NOW - 30}), None),
        (SIGNED, jwt({**CLAIMS, "nbf": NOW + 30}), None),
        (SignedBearerToken(SECRET), jwt({"exp": NOW}), None),
        (SIGNED, None, "missing websocket bearer token"),
        (SIGNED, jwt({**CLAIMS, "exp": NOW - 31}), "expired websocket jwt"),
        (SIGNED, jwt({**CLAIMS, "nbf": NOW + 31}), "websocket jwt is not valid yet"),
        (SIGNED, jwt({**CLAIMS, "iss": "you"}), "websocket jwt issuer mismatch"),
        (SIGNED, jwt({**CLAIMS, "aud": ["other"]}), "websocket jwt audience mismatch"),
        (SIGNED, jwt({"iss": "me", "aud": "codex"}), "invalid websocket jwt"),
        (SIGNED, jwt({**CLAIMS, "exp": str(NOW + 60)}), "invalid websocket jwt"),
        (SIGNED, jwt({**CLAIMS, "exp": True}), "invalid websocket jwt"),
        (SIGNED, jwt(CLAIMS, secret=b"t" * 32), "invalid websocket jwt"),
        (SIGNED, jwt(CLAIMS, alg="none"), "invalid websocket jwt"),
        (SIGNED, jwt(CLAIMS, alg="HS512", digest="sha512"), "invalid websocket jwt"),
        (SIGNED, jwt(CLAIMS, alg=["HS256"]), "invalid websocket jwt"),
        (SIGNED, "Bearer garbage", "invalid websocket jwt"),
        (SIGNED, "Bearer a.b.c", "invalid websocket jwt"),
        (SIGNED, "Bearer ä.ü.ö", "invalid websocket jwt"),
    ],
)
def test_a_header_lets_in_or_is_refused_with_the_reason(guard: Guard, header: str | None, refusal: str | None) -> None:
    assert guard.refuse(header, now=NOW) == refusal


def test_a_weak_secret_and_a_bad_digest_are_refused_at_the_start() -> None:
    assert signing_secret(SECRET + b"\n", "f") == SECRET
    with pytest.raises(UserError, match="signed websocket bearer secret f must be at least 32 bytes"):
        signing_secret(b"short", "f")
    with pytest.raises(UserError, match="64-character hex SHA-256"):
        CapabilityToken.of_digest("abc")


def test_no_secret_is_shown() -> None:
    assert "s" * 8 not in repr(SIGNED)
    assert repr(TOKEN) == "CapabilityToken()"
