"""Every refusal that the books know is provoked by some test: a sentence nobody has seen may be of a case that cannot be reached."""

from pathlib import Path

from ledger.operations.posting import _SENTENCES

TESTS = Path(__file__).resolve().parent.parent


def test_every_refusal_of_the_books_is_provoked_somewhere_it() -> None:
    sources = "\n".join(path.read_text() for path in TESTS.glob("**/test_*.py"))
    assert [code for code in _SENTENCES if f'"{code}"' not in sources] == []
