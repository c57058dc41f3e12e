"""Taking statements in, running reconciliations, working breaks."""

from recon.operations.adjustments import ADJUSTMENT, AdjustmentRefused, propose_adjustment, revise_adjustment
from recon.operations.breaks import BreakRefused, MatchRefused, assign_break, assign_breaks, comment_on_break, match_by_hand
from recon.operations.exports import ExportRefused, record_break_export
from recon.operations.feeds import FeedDayRefused, FeedInvalid, set_feed, sweep_feeds, waive_day
from recon.operations.intake import FileBytesLost, FileRefused, StatementKnown, accept_file, hand_out_file, read_again, receive_file
from recon.operations.mappings import (
    APPROVE_MAPPING,
    SAMPLE_MAXIMUM_BYTES,
    MappingInvalid,
    MappingNotNew,
    MappingNotYours,
    SampleRefused,
    draft_mapping,
    receive_sample,
    revise_mapping,
    submit_mapping,
    try_on,
)
from recon.operations.mappings import checked as checked_mapping
from recon.operations.runs import RunRefused, claim_run, execute_run, overdue_runs, request_run
from recon.operations.saved_views import SavedViewRefused, delete_view, save_view
from recon.operations.sources import NewAccount, SourceInvalid, SourceRefused, choose_format, register_source, register_source_with_account

__all__ = [
    "ADJUSTMENT",
    "APPROVE_MAPPING",
    "SAMPLE_MAXIMUM_BYTES",
    "AdjustmentRefused",
    "BreakRefused",
    "ExportRefused",
    "FeedDayRefused",
    "FeedInvalid",
    "FileBytesLost",
    "FileRefused",
    "MappingInvalid",
    "MappingNotNew",
    "MappingNotYours",
    "MatchRefused",
    "NewAccount",
    "RunRefused",
    "SampleRefused",
    "SavedViewRefused",
    "SourceInvalid",
    "SourceRefused",
    "StatementKnown",
    "accept_file",
    "assign_break",
    "assign_breaks",
    "checked_mapping",
    "choose_format",
    "claim_run",
    "comment_on_break",
    "delete_view",
    "draft_mapping",
    "execute_run",
    "hand_out_file",
    "match_by_hand",
    "overdue_runs",
    "propose_adjustment",
    "read_again",
    "receive_file",
    "receive_sample",
    "record_break_export",
    "register_source",
    "register_source_with_account",
    "request_run",
    "revise_adjustment",
    "revise_mapping",
    "save_view",
    "set_feed",
    "submit_mapping",
    "sweep_feeds",
    "try_on",
    "waive_day",
]
