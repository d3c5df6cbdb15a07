"""One door to the engine for editors, SDKs, services and our own front-ends: Codex's app-server protocol."""
