"""Taking statements in, running reconciliations, working breaks."""

from recon.operations.adjustments import ADJUSTMENT, AdjustmentRefused, propose_adjustment, revise_adjustment
from recon.operations.breaks import BreakRefused, MatchRefused, assign_break, comment_on_break, match_by_hand
from recon.operations.intake import FileRefused, accept_file, read_again, receive_file
from recon.operations.runs import RunRefused, claim_run, execute_run, overdue_runs, request_run
from recon.operations.sources import SourceRefused, register_source

__all__ = [
    "ADJUSTMENT",
    "AdjustmentRefused",
    "BreakRefused",
    "FileRefused",
    "MatchRefused",
    "RunRefused",
    "SourceRefused",
    "accept_file",
    "assign_break",
    "claim_run",
    "comment_on_break",
    "execute_run",
    "match_by_hand",
    "overdue_runs",
    "propose_adjustment",
    "read_again",
    "receive_file",
    "register_source",
    "request_run",
    "revise_adjustment",
]
