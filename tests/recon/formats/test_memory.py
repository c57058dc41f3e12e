"""A large file is read in little memory: what has been read is let go."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recon.formats.samples import balance_xml, camt_xml, entry_xml, statement_xml

GROWTH_MAX_MB = 60

MEASURE = """
import json, resource, sys
from recon.formats import FORMATS
from recon.formats.mapped import Mapping
from recon.formats.events import LineRead, LocatedError
code = sys.argv[1]
reader = FORMATS[code].reader if code in FORMATS else Mapping.from_json(json.loads(code)).reader()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lines = 0
with open(sys.argv[2], "rb") as file:
    for event in reader(file):
        assert not isinstance(event, LocatedError), event
        lines += isinstance(event, LineRead)
print(lines, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


MAPPING = {
    "format": "csv",
    "encoding": "utf-8",
    "layout": {"delimiter": ";", "quote": '"', "header_row": 1},
    "numbers": {"decimal": ",", "thousands": ""},
    "account": {"fixed": "12345"},
    "currency": {"fixed": "EUR"},
    "booking_date": {"column": "Date", "format": "YYYY-MM-DD"},
    "amount": {"sign": "signed", "column": "Amount"},
    "order": "oldest_first",
    "description": ["Text"],
}


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


def test_reads_a_large_bai2_file(tmp_path: Path) -> None:
    times = 50_000
    path = tmp_path / "large.bai"
    head = f"01,S,R,240104,0605,7,,,2/\r\n02,R,S,1,240103,2400,EUR,2/\r\n03,12345,EUR,010,0,,,015,{times * 100},,/\r\n"
    total = times * 200
    tail = f"49,{total},{2 * times + 2}/\r\n98,{total},1,{2 * times + 4}/\r\n99,{total},1,{2 * times + 6}/\r\n"
    write(path, head=head, body="16,195,100,Z,BANK-9,INV-7,\r\n88,DBNM: Example Trading\r\n", times=times, tail=tail)
    lines, growth = measure("bai2", path)
    assert lines == times
    assert growth < GROWTH_MAX_MB


def test_reads_a_large_nacha_file(tmp_path: Path) -> None:
    times = 50_000
    path = tmp_path / "large.ach"
    head = f"101 231380104 1210428822601050000A094101{'Federal Reserve Bank':23}{'My Bank Name':23}{'':8}\r\n"
    head += f"5220{'Meridian':36}1234567890PPDPAYMENT         260106   1231380100000001\r\n"
    body = f"622231380104{'744-5678-99':17}0000000100{'INV-7':15}{'Example Trading':22}  0231380100000001\r\n"
    digits = 23138010 * times % 10**10
    tail = f"8220{times:06d}{digits:010d}{0:012d}{times * 100:012d}1234567890{'':25}231380100000001\r\n"
    tail += f"9000001{-(-(times + 4) // 10):06d}{times:08d}{digits:010d}{0:012d}{times * 100:012d}{'':39}\r\n"
    write(path, head=head, body=body, times=times, tail=tail)
    lines, growth = measure("nacha", path)
    assert lines == times
    assert growth < GROWTH_MAX_MB


def test_reads_a_notification_of_many_entries(tmp_path: Path) -> None:
    times = 20_000
    document = camt_xml(statement_xml("|", balances="")).replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>")
    head, tail = document.split("|")
    path = tmp_path / "notified.xml"
    write(path, head=head, body=entry_xml("1.00", details=DETAIL) + "\n", times=times, tail=tail)
    lines, growth = measure("camt054", path)
    assert lines == times
    assert growth < GROWTH_MAX_MB


def test_reads_a_large_mapped_file(tmp_path: Path) -> None:
    times = 50_000
    path = tmp_path / "large.csv"
    write(path, head="Date;Amount;Text\n", body="2024-01-03;1,00;Invoice number one\n", times=times, tail="")
    lines, growth = measure(json.dumps(MAPPING), path)
    assert lines == times
    assert growth < GROWTH_MAX_MB
