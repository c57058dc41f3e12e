"""Taking statements in, running reconciliations, working breaks."""

from recon.operations.adjustments import ADJUSTMENT, AdjustmentRefused, propose_adjustment, revise_adjustment
from recon.operations.breaks import BreakRefused, MatchRefused, assign_break, assign_breaks, comment_on_break, match_by_hand
from recon.operations.delivery import FILE_MAXIMUM_BYTES, Delivered, RecordsRefused, deliver_file, push_records
from recon.operations.drop_folder import take_dropped
from recon.operations.exports import ExportRefused, record_break_export
from recon.operations.feeds import FeedDayRefused, FeedInvalid, set_feed, sweep_feeds, waive_day
from recon.operations.file_jobs import execute_job
from recon.operations.file_queue import claim_job, live_jobs_of, overdue_jobs
from recon.operations.intake import (
    DeliveryKeyTaken,
    FileNotReady,
    FileRefused,
    StatementRestated,
    accept_file,
    choose_source,
    hand_out_file,
    read_stored_file,
    receive_file,
    statements_in,
    take_in,
)
from recon.operations.kept_bytes import FileBytesLost
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
from recon.operations.placing import NothingToWithdraw, StatementKnown
from recon.operations.previewing import FileLine, Restatement, lines_in, raw_around, restatement_by
from recon.operations.quarantine import NothingNew, QuarantineRefused, dismiss_row, read_again
from recon.operations.reconciliations import (
    NewPopulation,
    ReconciliationInvalid,
    ReconciliationRefused,
    define_reconciliation,
)
from recon.operations.repeats import COUNT_REPEATED, RepeatRefused, propose_counting
from recon.operations.restating import RestatementWaits
from recon.operations.rules import (
    APPROVE_RULES,
    RulesInvalid,
    RulesNotNew,
    RulesNotYours,
    checked_rules,
    draft_rules,
    revise_rules,
    submit_rules,
)
from recon.operations.runs import RunRefused, cancel_run, claim_run, execute_run, overdue_runs, request_run
from recon.operations.saved_views import SavedViewRefused, delete_view, save_view
from recon.operations.sources import NewAccount, SourceInvalid, SourceRefused, choose_format, register_source, register_source_with_account

__all__ = [
    "ADJUSTMENT",
    "APPROVE_MAPPING",
    "APPROVE_RULES",
    "COUNT_REPEATED",
    "FILE_MAXIMUM_BYTES",
    "SAMPLE_MAXIMUM_BYTES",
    "AdjustmentRefused",
    "BreakRefused",
    "Delivered",
    "DeliveryKeyTaken",
    "ExportRefused",
    "FeedDayRefused",
    "FeedInvalid",
    "FileBytesLost",
    "FileLine",
    "FileNotReady",
    "FileRefused",
    "MappingInvalid",
    "MappingNotNew",
    "MappingNotYours",
    "MatchRefused",
    "NewAccount",
    "NewPopulation",
    "NothingNew",
    "NothingToWithdraw",
    "QuarantineRefused",
    "ReconciliationInvalid",
    "ReconciliationRefused",
    "RecordsRefused",
    "RepeatRefused",
    "Restatement",
    "RestatementWaits",
    "RulesInvalid",
    "RulesNotNew",
    "RulesNotYours",
    "RunRefused",
    "SampleRefused",
    "SavedViewRefused",
    "SourceInvalid",
    "SourceRefused",
    "StatementKnown",
    "StatementRestated",
    "accept_file",
    "assign_break",
    "assign_breaks",
    "cancel_run",
    "checked_mapping",
    "checked_rules",
    "choose_format",
    "choose_source",
    "claim_job",
    "claim_run",
    "comment_on_break",
    "define_reconciliation",
    "delete_view",
    "deliver_file",
    "dismiss_row",
    "draft_mapping",
    "draft_rules",
    "execute_job",
    "execute_run",
    "hand_out_file",
    "lines_in",
    "live_jobs_of",
    "match_by_hand",
    "overdue_jobs",
    "overdue_runs",
    "propose_adjustment",
    "propose_counting",
    "push_records",
    "raw_around",
    "read_again",
    "read_stored_file",
    "receive_file",
    "receive_sample",
    "record_break_export",
    "register_source",
    "register_source_with_account",
    "request_run",
    "restatement_by",
    "revise_adjustment",
    "revise_mapping",
    "revise_rules",
    "save_view",
    "set_feed",
    "statements_in",
    "submit_mapping",
    "submit_rules",
    "sweep_feeds",
    "take_dropped",
    "take_in",
    "try_on",
    "waive_day",
]
