"""Asking the switches: whoever acts asks inside its own transaction, so a stop holds from the moment it commits."""

from collections.abc import Collection

from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.runtime.models import Function, Switch


class FunctionStopped(Refusal):
    """A switch stops this function here, until two people let it go on; `detail` says why and since when."""

    code = "function_stopped"
    kind = RefusalKind.CONFLICT


def refuse_if_stopped(function: Function, *, scopes: Collection[str] = ()) -> None:
    """Refuse while the function is stopped everywhere, or in one of these scopes (`entity:CODE`, `account:CODE`).

    :raises FunctionStopped: with the reason that was given.
    """
    stop = Switch.objects.filter(function=function, scope__in=[Switch.EVERYWHERE, *scopes], lifted_at__isnull=True).order_by("id").first()
    if stop is not None:
        raise FunctionStopped(
            f"{function.label.lower()} is stopped: {stop.reason}", function=function.value, scope=stop.scope, since=stop.set_at.isoformat()
        )
