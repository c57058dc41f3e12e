"""The call of the posting function: the one statement whose client time is as long as a good part of its server time."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from ledgerops.lib.prepared import rows

_POST = "SELECT draft_position, outcome, posted_id, code, detail FROM ledger_post_entries_v1($1, $2::jsonb)"


class Answer(NamedTuple):
    """What the books say of the draft at `position`, from 1."""

    position: int
    outcome: str
    posted_id: UUID | None
    code: str | None
    detail: Mapping[str, Any]


def post(*, scope: str, drafts: str) -> list[Answer]:
    """Call the posting function with drafts as a JSON array, and return its answers, in any order."""
    return [_answer(*row) for row in rows(_POST, [scope, drafts])]


def _answer(position: str | None, outcome: str | None, posted_id: str | None, code: str | None, detail: str | None) -> Answer:
    assert position is not None
    assert outcome is not None
    return Answer(
        position=int(position),
        outcome=outcome,
        posted_id=UUID(posted_id) if posted_id else None,
        code=code,
        detail=json.loads(detail) if detail else {},
    )
