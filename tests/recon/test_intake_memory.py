"""A large file is summed up in little memory, however many lines it has."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from recon.formats.events import Event
from recon.formats.mt940 import read
from recon.intake.reading import read_file
from tests.recon.delivered import mt940

GROWTH_MAX_BYTES = 4 * 1024 * 1024


@pytest.mark.parametrize("lines", [2_000, 40_000])
def test_the_summary_of_a_file_does_not_grow_with_its_lines(lines: int) -> None:
    content = io.BytesIO(mt940(*((0, 100, f"REF{n:07d}") for n in range(lines))))
    tracemalloc.start()
    try:
        parsed = read_file(content, scales={"USD": 2}, format_code="mt940", reader=_reader)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (statement,) = parsed.statements
    assert (statement.proof, statement.line_count, statement.movements_minor) == ("proven", lines, 100 * lines)
    assert peak < GROWTH_MAX_BYTES, peak


def _reader(file: BinaryIO) -> Iterator[Event]:
    return read(file)
