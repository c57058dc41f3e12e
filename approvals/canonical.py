"""Canonical JSON (RFC 8785) and its digest: the same content is the same bytes, here and in any verifier."""

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785


def canonical_json(content: Mapping[str, Any]) -> str:
    """Return content of strings, whole numbers, booleans, nulls, lists and objects in its one canonical form.

    :raises rfc8785.CanonicalizationError: for anything else.
    """
    return rfc8785.dumps(dict(content)).decode()


def digest_of(canonical: str) -> str:
    """Return the SHA-256 of canonical text, in hexadecimal."""
    return hashlib.sha256(canonical.encode()).hexdigest()
