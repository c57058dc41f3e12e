"""Session rules: idle limit by the cookie's age, absolute limit here; sign-ins and refused ones on the trail."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from approvals.models import User
from audit.operations import record_event

OPENED_AT, SEEN_AT = "opened_at", "seen_at"
# A session is written no more often than this, not with every page; it ends by so much earlier, at most, when nobody uses it.
SEEN_EVERY_SECONDS = 30


class SessionAgeMiddleware:
    """End a session that has been open longer than the absolute limit, however busy it was, and keep one that is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = time.time()
            opened_at = request.session.setdefault(OPENED_AT, now)
            if now - request.session.get(SEEN_AT, 0) >= SEEN_EVERY_SECONDS:
                request.session[SEEN_AT] = now
            if now - opened_at > settings.SESSION_ABSOLUTE_AGE:
                logout(request)
        return self.get_response(request)


def record_sign_in(user: User, **_: Any) -> None:
    with transaction.atomic():
        record_event("approvals.session.opened", target_type="approvals.user", target_id=user.pk)


def record_sign_out(user: User | None, **_: Any) -> None:
    if user is not None:
        with transaction.atomic():
            record_event("approvals.session.closed", target_type="approvals.user", target_id=user.pk)


def record_refused_sign_in(credentials: dict[str, Any], **_: Any) -> None:
    # What was typed as a user name may be a password: it is not recorded.
    known = User.objects.filter(username=credentials.get("username") or "").first()
    with transaction.atomic():
        record_event(
            "approvals.session.refused", target_type="approvals.user", target_id=known.pk if known else "unknown", outcome="refused"
        )
