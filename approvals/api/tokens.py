"""Tokens at the REST API's door.

Apart from the views, since the framework loads this before it has views.
"""

from hmac import compare_digest
from typing import Any

from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from rest_framework import exceptions

from approvals import queries


class BearerTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Let in who bears a valid token, with their permissions, in one statement; nothing is remembered from one request to the next."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """Return the person; whatever is not plainly in order is left to the library, which refuses it and deletes what has ended."""
        if not token.isascii() or b"\0" in token:
            # A token that is no text is a wrong token, not a failure of ours.
            raise exceptions.AuthenticationFailed
        text = token.decode()
        digest = hash_token(text)
        for bearer in queries.bearers(token=text):
            if compare_digest(digest, bearer.digest) and bearer.user.is_active and not bearer.ended:
                return bearer.user, None
        return super().authenticate_credentials(token)
