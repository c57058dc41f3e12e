"""How far the reading of a file is, for whoever watches from another thread."""

from typing import BinaryIO

from recon.intake.summary import ParsedFile


class Progress:
    def __init__(self) -> None:
        self._content: BinaryIO | None = None
        self._parsed: ParsedFile | None = None
        self._bytes = 0

    def watch(self, content: BinaryIO, parsed: ParsedFile) -> None:
        """Follow a reading that begins."""
        self._content, self._parsed = content, parsed

    def now(self) -> tuple[int, int]:
        """Return the bytes and the lines read so far; of a file that is closed already, what was seen last."""
        if self._content is not None:
            try:
                self._bytes = max(self._bytes, self._content.tell())
            except (OSError, ValueError):
                self._content = None
        return self._bytes, self._parsed.line_count if self._parsed is not None else 0
