"""The TLS context: the system's certificates, or those that the environment names."""

import os
import ssl
import sys
from collections.abc import Mapping

from codex.base.errors import UserError

# Where the distributions keep what they trust, the most common first.
_KNOWN_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """A context that verifies servers.

    CODEX_CA_CERTIFICATE (a PEM file) is trusted beside the others; SSL_CERT_FILE or SSL_CERT_DIR take the place of the
    system's certificates.

    Raises:
      UserError: a variable names something that holds no certificates.
    """
    file, directory = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file or directory:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load(context, "SSL_CERT_FILE", file=file)
        _load(context, "SSL_CERT_DIR", directory=directory)
    else:
        context = _system_context()
    _load(context, "CODEX_CA_CERTIFICATE", file=environ.get("CODEX_CA_CERTIFICATE") or None)
    return context


def _system_context() -> ssl.SSLContext:
    """The certificates that this system trusts."""
    if sys.platform in ("darwin", "win32"):
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    # A Python built elsewhere may look for its certificates where this system has none.
    if paths.cafile is None and not _has_certificates(paths.capath):
        known = next((path for path in _KNOWN_BUNDLES if os.path.isfile(path)), None)
        if known is not None:
            context.load_verify_locations(cafile=known)
    return context


def _has_certificates(directory: str | None) -> bool:
    try:
        return directory is not None and any(name.endswith(".0") for name in os.listdir(directory))
    except OSError:
        return False


def _load(context: ssl.SSLContext, variable: str, *, file: str | None = None, directory: str | None = None) -> None:
    if file is None and directory is None:
        return
    try:
        context.load_verify_locations(cafile=file, capath=directory)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"{variable} = {file or directory!r}: no certificates could be loaded from it ({reason})"
        ) from error
