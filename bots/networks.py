"""Networks as the configuration names them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network


def network_mistakes(networks: object, path: str) -> list[str]:
    """What is no network in the list at *path*; whatever is no list of texts is somebody else's to name."""
    if not isinstance(networks, Sequence) or isinstance(networks, str):
        return []
    return [
        f"{path}: {each!r} is no network; accepted: one such as 10.0.0.0/8, with no bits beyond its length"
        for each in networks
        if isinstance(each, str) and not _is_network(each)
    ]


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
