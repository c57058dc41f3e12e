"""Log lines are JSON and hold no secrets."""

import json
import logging

import structlog

from ledgerops.logs import formatter


def test_a_line_is_one_json_object_with_its_context() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        line = written("saved %s\nand more", "x", extra={"entry_id": 7})
    assert "\n" not in line
    fields = json.loads(line)
    assert fields["event"] == "saved x\nand more"
    assert fields["entry_id"] == 7
    assert fields["request_id"] == "r1"
    assert fields["level"] == "warning"
    assert fields["timestamp"].endswith("Z")


def test_secrets_are_masked_by_name_and_inside_urls() -> None:
    line = written(
        "connecting to %s",
        "postgresql://app:hidden1@localhost/x",
        extra={
            "password": "hidden2",
            "nested": {"Authorization": "hidden3"},
            "urls": ["redis://:hidden4@localhost"],
            "session_key": "hidden5",
        },
    )
    assert "hidden" not in line
    assert "postgresql://app:***@localhost/x" in line


def test_an_exception_is_written_with_its_traceback() -> None:
    line = written("failed", exc_info=ValueError("why"))
    assert "ValueError: why" in json.loads(line)["exception"]


def written(message: str, *arguments: object, **keywords: object) -> str:
    """Return what the formatter makes of a warning."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    logger = logging.getLogger("tests.platform")
    handler = Keep()
    handler.setFormatter(formatter())
    logger.addHandler(handler)
    try:
        logger.warning(message, *arguments, **keywords)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)
    assert len(lines) == 1
    return lines[0]
