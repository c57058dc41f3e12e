"""A statement that a bank printed wrongly at first: two digits of one amount are exchanged, so that it does not prove itself."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ledgerops.demo import chart
from ledgerops.demo.references import with_swapped_digits
from ledgerops.demo.shapes import Company, StatementFile

SOURCE = next(source.code for source in chart.SOURCES if source.code == "RHEIN-EUR")
_MOVEMENT = re.compile(rb"^(:61:[0-9]{10}[CD])([0-9]+)(,[0-9]*[A-Z][A-Z0-9]{3})(.+?)(?=//)", re.MULTILINE)


def misprints(company: Company) -> Iterator[StatementFile]:
    """Yield the first version of the newest imported statement of a bank that can be misprinted; the planned file restates it."""
    known = {difference.line_reference for difference in company.truth}
    for file in sorted(company.files, key=lambda one: one.statement_date, reverse=True):
        if file.source != SOURCE or not file.imported:
            continue
        for found in _MOVEMENT.finditer(file.content):
            wrong = with_swapped_digits(found[2].decode(), start=1)
            if wrong and found[4].decode() not in known:
                content = file.content[: found.start(2)] + wrong[0].encode() + file.content[found.end(2) :]
                yield replace(file, filename=file.filename.replace(".", "_first."), content=content)
                return
