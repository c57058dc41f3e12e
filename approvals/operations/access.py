"""Refused access, which no act of its own records."""

from django.db import transaction

from audit.operations import record_event


def record_refused_access(*, path: str, method: str, permission: str | None) -> None:
    """Record that a signed-in person was refused a page or an act, in a transaction of its own."""
    with transaction.atomic(durable=True):
        record_event(
            "approvals.access.refused",
            target_type="approvals.page",
            target_id=path,
            outcome="refused",
            reason=f"needs {permission}" if permission else "",
            after={"method": method, "permission": permission},
        )
