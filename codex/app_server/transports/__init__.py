"""How messages get in and out: one transport a client. `stdio` is the one that SDKs use."""

from codex.app_server.transports.transport import Transport

__all__ = ["Transport"]
