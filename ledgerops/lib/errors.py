"""What a refusal is. Every refusal of the product is a subclass, beside the operation that raises it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar


class RefusalKind(StrEnum):
    """Why a request was refused; `ledgerops.lib.http` alone turns it into a status."""

    INVALID = "invalid"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    BUSY = "busy"


class Refusal(Exception):
    """A request that was understood and refused; nothing was changed by it.

    `code` names the refusal in the API and the audit trail, `detail` carries the values that a
    caller needs to act on it (plain JSON values), and `str()` is the sentence for a person.
    """

    code: ClassVar[str]
    kind: ClassVar[RefusalKind]

    def __init__(self, sentence: str, *, field: str | None = None, **detail: Any) -> None:
        super().__init__(sentence)
        self.field = field
        self.detail: Mapping[str, Any] = detail


class Busy(Refusal):
    """Somebody else holds what this needs, and does not let go in time; the same request may well succeed a moment later."""

    code = "busy"
    kind = RefusalKind.BUSY
