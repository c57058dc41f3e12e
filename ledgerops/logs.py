"""One JSON object per line for whatever is logged, with what must not be read masked."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_NAME = re.compile(r"passw|passphrase|secret|token|authorization|cookie|session_?key|credential|totp|private_?key", re.IGNORECASE)
# A URL may carry a password before its host.
URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")
MASK = "***"


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask values whose name says that they are secret, and passwords inside URLs wherever they stand."""
    return {name: MASK if SECRET_NAME.search(name) else _masked(value) for name, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return URL_PASSWORD.sub(rf"\1:{MASK}@", value)
    if isinstance(value, dict):
        return {name: MASK if isinstance(name, str) and SECRET_NAME.search(name) else _masked(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(part) for part in value]
    return value


def formatter() -> logging.Formatter:
    """Return the formatter of every handler; structlog's own loggers are sent the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            mask_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
    )
