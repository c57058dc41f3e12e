"""Where the embedded services of a data folder are: written by `manage.py up`, read by the settings of every other process."""

import json
import secrets
from pathlib import Path

FILE_NAME = "services.json"


def read(data_folder: Path) -> dict[str, str]:
    """Return the connection URLs of the services by the name of the variable they stand in for; empty if there were never any."""
    file = data_folder / FILE_NAME
    if not file.is_file():
        return {}
    return {str(name): str(value) for name, value in json.loads(file.read_text()).items()}


def write(data_folder: Path, services: dict[str, str]) -> None:
    """Replace the file at once; it holds passwords and is private."""
    write_private(data_folder / FILE_NAME, json.dumps(services, indent=2))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads; a reader finds all of it or nothing."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.rename(file)
