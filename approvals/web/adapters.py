"""What this product changes of the sign-in library."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedDoorAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: people are added by administrators."""

    def is_open_for_signup(self, *_: HttpRequest) -> bool:
        return False
