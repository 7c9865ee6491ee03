"""Addresses that a bot gives to a stand-in: what is one at all, and which lead to this machine alone."""

from urllib.parse import urlsplit

from yarl import URL


def is_address(url: str) -> bool:
    """Whether *url* is an address of the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(c.isspace() for c in url)


def is_this_machine(url: str) -> bool:
    """Whether *url* is here: stand-ins go nowhere else, whatever they were told."""
    return URL(url).host in {"127.0.0.1", "localhost", "::1"}
