"""Whether a test makes sense as a whole, which its fields alone cannot tell."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from weft.model.synthetics import MESHES, SyntheticTest

_SECRET = re.compile(r"(?i)^(proxy-)?authorization$|cookie|token|secret|passw|api-?key|x-auth")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_MOST_HEADERS = 50
_MOST_VALUE = 4000


def check_test(test: SyntheticTest) -> None:
    """Raises ``ValueError`` that says what to change."""
    if test.mesh and test.kind not in MESHES:
        raise ValueError(f"agents cannot test each other by {test.kind}; a mesh is one of {', '.join(MESHES)}")
    if not test.mesh and not test.targets:
        raise ValueError("a test needs `targets`, or `mesh: true` to have the agents test each other")
    if len(set(test.targets)) < len(test.targets):
        raise ValueError("a target is listed twice")
    for target in test.targets:
        _check_target(test, target)
    if len(test.headers) > _MOST_HEADERS:
        raise ValueError(f"at most {_MOST_HEADERS} headers")
    for name, value in test.headers.items():
        _check_header(name, value)


def _check_target(test: SyntheticTest, target: str) -> None:
    if any(ord(c) < 33 or ord(c) == 127 for c in target):
        raise ValueError(f"target {target!r} holds blanks or control characters")
    if test.kind != "http":
        if "://" in target or "@" in target:
            raise ValueError(f"target {target!r} is a name or an address, not a URL; URLs are for kind http")
        return
    try:
        parts = urlsplit(target)
        parts.port  # noqa: B018  # raises where it is no number
    except ValueError:
        raise ValueError(f"target {target!r} is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"target {target!r} must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not hold credentials: they would show with the results; use `secret_headers`")


def _check_header(name: str, value: str) -> None:
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is not the name of an HTTP header")
    if len(value) > _MOST_VALUE or any(c in value for c in "\r\n\0"):
        raise ValueError(f"the value of the header {name} is too long or holds line breaks")
    if _SECRET.search(name):
        raise ValueError(f"the header {name} holds a credential: write it in weft.yaml under `secret_headers`")
