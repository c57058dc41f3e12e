"""Reading certificates: what blocks one, what one says, what came after it, and how it stands with every account and day."""

from recon.certification_queries.after import AfterSignOff, after_sign_off
from recon.certification_queries.blocking import Blocker, blockers_of, made_entries, terms_of
from recon.certification_queries.content import changes_between, content_of
from recon.certification_queries.grid import (
    CellState,
    CertificateNotFound,
    Grid,
    certificate_for,
    certificate_of_day,
    certificates_for,
    grid_for,
    request_of_day,
)

__all__ = [
    "AfterSignOff",
    "Blocker",
    "CellState",
    "CertificateNotFound",
    "Grid",
    "after_sign_off",
    "blockers_of",
    "certificate_for",
    "certificate_of_day",
    "certificates_for",
    "changes_between",
    "content_of",
    "grid_for",
    "made_entries",
    "request_of_day",
    "terms_of",
]
