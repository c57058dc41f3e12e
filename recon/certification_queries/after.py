"""What came after a certificate was signed and is about its days: nothing of it changes the certificate, all of it is shown beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.models import Posting
from recon.certification_queries.content import changes_between, content_of, days_of
from recon.models import Certificate, Statement

ROWS_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterSignOff:
    """What was recorded later: postings into its days, statements that came for them or no longer count, and what this changed, in words.

    `now` are the figures of its last day as they would be today, `more` whether there are more postings than are shown.
    """

    postings: Sequence[Posting]
    more: bool
    came: Sequence[Statement]
    gone: Sequence[Statement]
    changes: Sequence[str]
    now: Mapping[str, Any]

    @property
    def nothing(self) -> bool:
        return not (self.postings or self.came or self.gone or self.changes)


def after_sign_off(certificate: Certificate) -> AfterSignOff:
    """Return what came after a certificate, compared with what it says and not by the clock: nothing slips through between the two."""
    said = certificate.content["statement"]
    days = days_of(certificate.reconciliation, first_day=certificate.first_day, last_day=certificate.last_day)
    now = content_of(certificate.reconciliation, days=days)
    late = Posting.objects.filter(
        account=certificate.account_id,
        account_seq__gt=said["ledger_through"],
        effective_date__range=(certificate.first_day, certificate.last_day),
    )
    postings = list(late.select_related("entry").order_by("account_seq")[: ROWS_SHOWN + 1])
    known, counting = ({UUID(one["id"]) for one in content["statements"]} for content in (said, now))
    changed = Statement.objects.select_related("file").in_bulk(known ^ counting)
    return AfterSignOff(
        postings=postings[:ROWS_SHOWN],
        more=len(postings) > ROWS_SHOWN,
        came=sorted((changed[pk] for pk in counting - known), key=lambda one: one.closing_date),
        gone=sorted((changed[pk] for pk in known - counting), key=lambda one: one.closing_date),
        changes=changes_between(said, now),
        now=now["figures"],
    )
