"""Taking statements in, running reconciliations, working breaks."""

from recon.operations.adjustments import ADJUSTMENT, AdjustmentRefused, propose_adjustment, revise_adjustment
from recon.operations.breaks import BreakRefused, MatchRefused, assign_break, assign_breaks, comment_on_break, match_by_hand
from recon.operations.exports import ExportRefused, record_break_export
from recon.operations.intake import FileBytesLost, FileRefused, StatementKnown, accept_file, hand_out_file, read_again, receive_file
from recon.operations.runs import RunRefused, claim_run, execute_run, overdue_runs, request_run
from recon.operations.saved_views import SavedViewRefused, delete_view, save_view
from recon.operations.sources import NewAccount, SourceRefused, register_source, register_source_with_account

__all__ = [
    "ADJUSTMENT",
    "AdjustmentRefused",
    "BreakRefused",
    "ExportRefused",
    "FileBytesLost",
    "FileRefused",
    "MatchRefused",
    "NewAccount",
    "RunRefused",
    "SavedViewRefused",
    "SourceRefused",
    "StatementKnown",
    "accept_file",
    "assign_break",
    "assign_breaks",
    "claim_run",
    "comment_on_break",
    "delete_view",
    "execute_run",
    "hand_out_file",
    "match_by_hand",
    "overdue_runs",
    "propose_adjustment",
    "read_again",
    "receive_file",
    "record_break_export",
    "register_source",
    "register_source_with_account",
    "request_run",
    "revise_adjustment",
    "save_view",
]
