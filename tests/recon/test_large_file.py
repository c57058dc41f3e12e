"""A large file is taken in, from its bytes to its items, in memory that does not grow with it."""

import gc
from pathlib import Path

import pytest

from recon import operations
from recon.models import Item, Source, Statement
from tests.concurrency import scene
from tests.recon.formats.samples import IBAN, balance_xml, camt_xml, entry_xml, statement_xml

SMALL_BYTES, LARGE_BYTES = 6_000_000, 60_000_000
GROWTH_MAX_MB = 20

DETAIL = (
    "<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy='USD'>1.00</Amt><RltdPties><Dbtr><Nm>Example Trading</Nm></Dbtr>"
    "</RltdPties><RmtInf><Ustrd>Invoice {reference} of the third quarter, delivered to the port</Ustrd></RmtInf></TxDtls>"
)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def written(path: Path, *, size: int, day: str, number: int) -> int:
    """Write a statement of about `size` bytes, an entry at a time, and return how many entries it has."""
    entry = entry_xml("1.00", currency="USD", dates=f"<BookgDt><Dt>{day}</Dt></BookgDt>", details=DETAIL)
    count = size // len(entry.format(reference=f"E2E-{number}-{0:09d}"))
    balances = balance_xml("OPBD", "0.00", currency="USD", day=day) + balance_xml("CLBD", f"{count}.00", currency="USD", day=day)
    statement = statement_xml("|", balances=balances, currency="<Ccy>USD</Ccy>").replace(IBAN, scene.IDENTIFIER)
    head, tail = camt_xml(statement.replace("SeqNb>7<", f"SeqNb>{number}<")).split("|")
    with path.open("w") as file:
        file.write(head)
        for n in range(count):
            file.write(entry.format(reference=f"E2E-{number}-{n:09d}") + "\n")
        file.write(tail)
    return count


def peak_of_taking_in(path: Path, *, source: Source) -> float:
    """Deliver a file, and return the most memory in megabytes that this process had while it was taken in."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    with path.open("rb") as content:
        operations.deliver_file(
            name=path.name, content=content, channel="api", source_id=source.pk, delivered_by_id=None, large_bytes=1 << 40
        )
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_ten_times_the_file_takes_no_more_memory(tmp_path: Path, bank: Source) -> None:
    peaks = []
    for number, (size, day) in enumerate(((SMALL_BYTES, "2024-01-03"), (LARGE_BYTES, "2024-01-04")), start=1):
        path = tmp_path / f"{number}.xml"
        lines = written(path, size=size, day=day, number=number)
        peaks.append(peak_of_taking_in(path, source=bank))
        statement = Statement.objects.get(number=str(number))
        assert (statement.proof, statement.line_count) == ("proven", lines)
        assert Item.objects.filter(statement_line__statement=statement).count() == lines
    assert peaks[1] - peaks[0] < GROWTH_MAX_MB, peaks
