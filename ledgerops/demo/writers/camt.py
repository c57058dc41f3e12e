"""Writes the lines of a statement as an intraday report (camt.052) and as notifications (camt.054)."""

from ledgerops.demo.camt053 import write_camt
from ledgerops.demo.shapes import Statement


def write_camt052(statement: Statement) -> bytes:
    """Return the bytes of an intraday report: what was booked so far, up to an interim balance."""
    return write_camt(statement, message="052", container="BkToCstmrAcctRpt", name="Rpt", closing="ITBD")


def write_camt054(statement: Statement) -> bytes:
    """Return the bytes of a notification of every line, without balances."""
    return write_camt(statement, message="054", container="BkToCstmrDbtCdtNtfctn", name="Ntfctn", closing="")
