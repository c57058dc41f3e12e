"""Tables of reconciliation: sources and what they deliver; items, matches and breaks."""

from recon.models.breaks import Break, BreakComment, BreakState, BreakType, SavedView
from recon.models.files import Channel, FileStatus, QuarantinedRow, QuarantineState, StatementFile
from recon.models.matching import Allocation, Item, Match, MatchMethod, Reconciliation, Run, RunStatus, Side
from recon.models.sources import (
    Feed,
    FeedFrequency,
    FeedWaiver,
    MappingStatus,
    MappingVersion,
    Source,
    SourceGroupObjectPermission,
    SourceKind,
)
from recon.models.statements import Flow, LineKey, ProofStatus, Statement, StatementKind, StatementLine

__all__ = [
    "Allocation",
    "Break",
    "BreakComment",
    "BreakState",
    "BreakType",
    "Channel",
    "Feed",
    "FeedFrequency",
    "FeedWaiver",
    "FileStatus",
    "Flow",
    "Item",
    "LineKey",
    "MappingStatus",
    "MappingVersion",
    "Match",
    "MatchMethod",
    "ProofStatus",
    "QuarantineState",
    "QuarantinedRow",
    "Reconciliation",
    "Run",
    "RunStatus",
    "SavedView",
    "Side",
    "Source",
    "SourceGroupObjectPermission",
    "SourceKind",
    "Statement",
    "StatementFile",
    "StatementKind",
    "StatementLine",
]
