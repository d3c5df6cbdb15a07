"""Which proxy the environment names for a URL: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from codex.base.errors import UserError


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, or None to go straight. Names in lower case win, as everywhere.

    Raises:
      UserError: the variable holds something that is no proxy we can use.
    """
    parts = urlsplit(url)
    names = [f"{parts.scheme}_proxy", "all_proxy"]
    # A web server's CGI script must not take a client's `Proxy:` header for this setting.
    if "REQUEST_METHOD" in environ and parts.scheme == "http":
        names = ["all_proxy"]
    for name in names:
        for variable in (name, name.upper()):
            value = environ.get(variable, "").strip()
            if value and not _is_exempt(parts.hostname or "", parts.port, environ):
                return _checked(variable, value)
    return None


def _checked(variable: str, value: str) -> str:
    proxy = value if "://" in value else f"http://{value}"
    scheme = urlsplit(proxy).scheme
    if scheme not in ("http", "https", "socks5", "socks5h"):
        raise UserError(f"{variable}: a proxy of kind {scheme!r} cannot be used; expected http, https or socks5")
    if scheme.startswith("socks"):
        from importlib.util import find_spec

        if find_spec("socksio") is None:
            raise UserError(f"{variable} names a SOCKS proxy: install support for it with `pip install socksio`")
    return proxy


def _is_exempt(host: str, port: int | None, environ: Mapping[str, str]) -> bool:
    listed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return any(_matches(entry.strip().lower(), host.lower(), port) for entry in listed.split(",") if entry.strip())


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in_network(host, entry)
    name, _, wanted_port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    if wanted_port and wanted_port != str(port):
        return False
    name = name.strip("[]").removeprefix("*").removeprefix(".")
    return host == name or host.endswith(f".{name}")


def _is_in_network(host: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
