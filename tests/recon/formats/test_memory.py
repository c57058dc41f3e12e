"""A large file is read in little memory: what has been read is let go."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.recon.formats.samples import balance_xml, camt_xml, entry_xml, statement_xml

GROWTH_MAX_MB = 60

MEASURE = """
import resource, sys
from recon.formats import FORMATS
from recon.formats.events import LineRead, LocatedError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lines = 0
with open(sys.argv[2], "rb") as file:
    for event in FORMATS[sys.argv[1]].reader(file):
        assert not isinstance(event, LocatedError), event
        lines += isinstance(event, LineRead)
print(lines, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measure(code: str, path: Path) -> tuple[int, int]:
    command = [sys.executable, "-c", MEASURE, code, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    lines, growth = result.stdout.split()
    return int(lines), int(growth)


def write(path: Path, *, head: str, body: str, times: int, tail: str) -> None:
    with path.open("w") as file:
        file.write(head)
        for _ in range(times // 1000):
            file.write(body * 1000)
        file.write(tail)


DETAIL = (
    '<TxDtls><Refs><EndToEndId>E2E-0000000001</EndToEndId></Refs><Amt Ccy="EUR">1.00</Amt><RltdPties><Dbtr><Nm>Example Trading</Nm></Dbtr>'
    "</RltdPties><RmtInf><Ustrd>Invoice number one hundred and one</Ustrd></RmtInf></TxDtls>\n"
)


@pytest.mark.slow
def test_reads_fifty_megabytes_of_camt_entries(tmp_path: Path) -> None:
    times = 130_000
    balances = balance_xml("OPBD", "0.00") + balance_xml("CLBD", f"{times}.00")
    head, tail = camt_xml(statement_xml("|", balances=balances)).split("|")
    entry = entry_xml("1.00", details=DETAIL) + "\n"
    path = tmp_path / "large.xml"
    write(path, head=head, body=entry, times=times, tail=tail)
    assert path.stat().st_size > 50_000_000
    lines, growth = measure("camt053", path)
    assert lines == times
    assert growth < GROWTH_MAX_MB


def test_reads_a_batch_of_many_details_in_one_entry(tmp_path: Path) -> None:
    times = 20_000
    balances = balance_xml("OPBD", "0.00") + balance_xml("CLBD", f"{times}.00")
    head, tail = camt_xml(statement_xml(entry_xml(f"{times}.00", details="|"), balances=balances)).split("|")
    path = tmp_path / "batch.xml"
    write(path, head=head, body=DETAIL, times=times, tail=tail)
    lines, growth = measure("camt053", path)
    assert lines == 1
    assert growth < GROWTH_MAX_MB


def test_reads_a_large_mt940_file(tmp_path: Path) -> None:
    times = 50_000
    path = tmp_path / "large.sta"
    head = ":20:R\r\n:25:A\r\n:28C:1/1\r\n:60F:C240102EUR0,00\r\n"
    body = ":61:2401030103C1,00NTRFNONREF//BANK-9\r\n:86:166?20EREF+E2E-1?21SVWZ+Rent?32Example Trading\r\n"
    write(path, head=head, body=body, times=times, tail=f":62F:C240103EUR{times},00\r\n-\r\n")
    lines, growth = measure("mt940", path)
    assert lines == times
    assert growth < GROWTH_MAX_MB
