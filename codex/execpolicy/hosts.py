"""How hosts and protocols of network rules are spelled.  Pure."""

from codex.execpolicy.rule import Protocol

_PROTOCOLS: dict[str, Protocol] = {
    "http": "http",
    "https": "https",
    "https_connect": "https",
    "http-connect": "https",
    "socks5_tcp": "socks5_tcp",
    "socks5_udp": "socks5_udp",
}


def read_protocol(text: str) -> Protocol:
    """The protocol of this name.

    Raises:
      ValueError: there is none.
    """
    if text not in _PROTOCOLS:
        from codex.base.suggest import did_you_mean

        known = sorted(set(_PROTOCOLS.values()))
        hint = did_you_mean(text, known) or f"; there are: {', '.join(known)}"
        raise ValueError(f"there is no protocol {text!r}{hint}")
    return _PROTOCOLS[text]


def normalize_host(text: str) -> str:
    """A host's name or address in its one spelling: small letters, no port, no brackets, no dot at the end.

    Raises:
      ValueError: it is empty, a URL, a wildcard, or has blanks inside.
    """
    host = text.strip()
    if "://" in host or any(character in host for character in "/?#"):
        raise ValueError(f"host {text!r} must be a name or an address alone")
    if host.startswith("["):
        host, closed, behind = host[1:].partition("]")
        if not closed or (behind and not _is_port(behind)):
            raise ValueError(f"host {text!r} is no address in brackets; write [ADDRESS]")
    elif host.count(":") == 1:
        name, _, port = host.partition(":")
        host = name if name and _is_port(f":{port}") else host
    host = host.rstrip(".").strip().translate(_SMALL)
    if not host:
        raise ValueError(f"host {text!r} is empty")
    if "*" in host:
        raise ValueError(f"host {text!r} has a wildcard; write a rule for each host")
    if any(character.isspace() for character in host):
        raise ValueError(f"host {text!r} has blanks inside")
    return host


_SMALL = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _is_port(text: str) -> bool:
    return len(text) > 1 and text[0] == ":" and text[1:].isascii() and text[1:].isdigit()
