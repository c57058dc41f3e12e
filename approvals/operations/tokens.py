"""Tokens of the REST API."""

from knox.models import AuthToken

from approvals.models import User
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind


class NobodyOfThatName(Refusal):
    code = "nobody_of_that_name"
    kind = RefusalKind.NOT_FOUND


def issue_token(*, username: str) -> str:
    """Issue a token with which programs act as this person; it is returned once and only its digest is kept.

    :raises NobodyOfThatName: if no active person has that user name.
    """
    with act("approvals.token.issued", target_type="approvals.user", target_id=username):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise NobodyOfThatName(f"there is no active user {username}", field="username")
        kept, token = AuthToken.objects.create(user=user)
        record_event(
            "approvals.token.issued",
            target_type="approvals.user",
            target_id=user.pk,
            after={"username": username, "digest": kept.digest, "expires_at": kept.expiry},
        )
        return str(token)
