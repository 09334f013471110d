"""The hosts in requests from this machine, or from clients that know its address."""

import ipaddress


def is_own_host(host: str) -> bool:
    """Whether a `Host` header is an address, a name of localhost, or absent."""
    name = host.rpartition(":")[0] if _has_port(host) else host
    name = name.strip("[]").rstrip(".").lower()
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (host.count(":") == 1 or "]:" in host)
