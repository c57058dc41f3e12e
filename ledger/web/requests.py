"""What every view of this app asks of a request."""

from django.http import HttpRequest

from approvals.models import User


def reader(request: HttpRequest) -> User:
    """Return who is signed in; `requires` has let nobody else through."""
    assert isinstance(request.user, User)
    return request.user


def template_for(request: HttpRequest, page: str) -> str:
    """Return the page, or its list alone where htmx asks for that."""
    return f"{page}#results" if request.headers.get("HX-Target") == "results" else page
