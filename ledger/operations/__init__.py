"""Writing the books."""

from ledger.operations.chart import (
    ChartRefused,
    add_account,
    define_account_group,
    define_asset,
    define_entity,
    define_transaction_type,
    open_account,
)
from ledger.operations.exports import EXPORT_MAXIMUM, MOST_ROWS, ExportRefused, FormatUnknown, record_export
from ledger.operations.periods import PeriodRefused, close_period, open_period
from ledger.operations.posting import (
    IdempotencyKeyReused,
    Posted,
    PostingInvalid,
    PostingRefused,
    post_entries,
    post_entry,
    record_transaction,
)

__all__ = [
    "EXPORT_MAXIMUM",
    "MOST_ROWS",
    "ChartRefused",
    "ExportRefused",
    "FormatUnknown",
    "IdempotencyKeyReused",
    "PeriodRefused",
    "Posted",
    "PostingInvalid",
    "PostingRefused",
    "add_account",
    "close_period",
    "define_account_group",
    "define_asset",
    "define_entity",
    "define_transaction_type",
    "open_account",
    "open_period",
    "post_entries",
    "post_entry",
    "record_export",
    "record_transaction",
]
