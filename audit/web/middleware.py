"""Says on whose behalf a request acts."""

import hashlib
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from audit.context import Origin, acting_from


class ActorMiddleware:
    """Attribute events to the request's user, resolved when an event is written: a token's user is known only then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        # One reference for the page, the logs and the trail; what the client sends as an id is not taken for it.
        address = request.META.get("REMOTE_ADDR") or None
        structlog.contextvars.bind_contextvars(request_id=request_id, ip=address)

        def resolve() -> Origin:
            user = request.user
            session_key = request.session.session_key or ""
            return Origin(
                user_id=user.pk if user.is_authenticated else None,
                user_name=user.get_username() if user.is_authenticated else "visitor",
                anonymous=not user.is_authenticated,
                session_digest=hashlib.sha256(session_key.encode()).hexdigest() if session_key else "",
                ip=address,
                request_id=request_id,
            )

        with acting_from(resolve):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response
