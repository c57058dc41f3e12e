"""When idempotency keys came again: replays, and mismatches with what differed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.models import User
from ledger.queries import registry
from ledger.web.requests import reader, template_for
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of

KINDS = [("mismatch", "Mismatches"), ("replay", "Replays")]
SCOPES_SHOWN = 12


@require_safe
@requires("ledger.view_transaction")
def keys(request: HttpRequest) -> HttpResponse:
    uses = registry.key_uses_for(reader(request))
    scopes = registry.uses_by_scope(uses)
    kind, scope, key = (request.GET.get(name, "").strip() for name in ("kind", "scope", "key"))
    if kind in dict(KINDS):
        uses = uses.filter(mismatch=kind == "mismatch")
    if scope:
        uses = uses.filter(transaction__scope=scope)
    if key:
        uses = uses.filter(transaction__key=key)
    page = page_of(uses.select_related("transaction__type"), query=request.GET, order=("-id",))
    people = dict(User.objects.filter(pk__in=_ids([one.scope for one in scopes])).values_list("pk", "username"))
    context = {
        "page": page,
        "kinds": KINDS,
        "kind": kind,
        "scope": scope,
        "key": key,
        "scopes": [{"uses": one, "word": _word(one.scope, people=people)} for one in scopes[:SCOPES_SHOWN]],
        "scope_choices": [(one.scope, _word(one.scope, people=people)) for one in scopes],
        "rows": [{"use": one, "word": _word(one.transaction.scope, people=people)} for one in page.rows],
        "count": counted(bounded_count(uses), word="use"),
    }
    return render(request, template_for(request, "ledger/keys.html"), context)


def _ids(scopes: list[str]) -> list[int]:
    return [int(scope.removeprefix("user:")) for scope in scopes if scope.startswith("user:") and scope.removeprefix("user:").isdecimal()]


def _word(scope: str, *, people: dict[int, str]) -> str:
    """Return whose keys these are in words: a person's name, or the part of the system."""
    user_id = scope.removeprefix("user:")
    return people.get(int(user_id), scope) if scope.startswith("user:") and user_id.isdecimal() else scope
