"""Writes the lines of a statement as an MT942 intraday report: no balances, but totals of debits and credits."""

import re

from ledgerops.demo.mt940 import write_mt940
from ledgerops.demo.shapes import Statement
from ledgerops.lib.money import plain

_BALANCE = re.compile(r":(?:60F|62F|64):.*\r\n")


def write_mt942(statement: Statement) -> bytes:
    """Return the bytes of one report, made at the end of the statement's day."""
    received = [line.amount_minor for line in statement.lines if line.amount_minor > 0]
    paid = [-line.amount_minor for line in statement.lines if line.amount_minor < 0]
    asset, scale = statement.source.asset, statement.scale
    head = f":34F:{asset}0,\r\n:13D:{statement.statement_date:%y%m%d}2200+0000\r\n"
    totals = (
        f":90D:{len(paid)}{asset}{_amount(sum(paid), scale=scale)}\r\n:90C:{len(received)}{asset}{_amount(sum(received), scale=scale)}\r\n"
    )
    before, number, lines = write_mt940(statement).decode("ascii").partition(f":28C:{statement.number:05d}/001\r\n")
    return (before + number + head + _BALANCE.sub("", lines.removesuffix("-\r\n")) + totals + "-\r\n").encode("ascii")


def _amount(amount_minor: int, *, scale: int) -> str:
    text = plain(amount_minor, scale=scale).replace(".", ",")
    return text if "," in text else text + ","
