"""Typed readers of the environment. They refuse what they do not understand, naming the variable."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from ledgerops.embedded import services

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


def boolean(name: str, *, default: bool) -> bool:
    """Read a yes-or-no variable.

    :raises ImproperlyConfigured: if the value is neither a yes nor a no.
    """
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text in TRUE_WORDS:
        return True
    if text in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name}={text!r} is neither true nor false")


def integer(name: str, *, default: int, minimum: int, maximum: int) -> int:
    """Read a whole number between minimum and maximum.

    :raises ImproperlyConfigured: if the value is no number or out of bounds.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number")
    if not minimum <= int(text) <= maximum:
        raise ImproperlyConfigured(f"{name}={text} is not between {minimum} and {maximum}")
    return int(text)


def choice(name: str, *, default: str, allowed: frozenset[str]) -> str:
    """Read one of the allowed words.

    :raises ImproperlyConfigured: if the value is another word.
    """
    text = os.environ.get(name, "").strip() or default
    if text not in allowed:
        raise ImproperlyConfigured(f"{name}={text!r} is none of {', '.join(sorted(allowed))}")
    return text


def string(name: str, *, default: str) -> str:
    """Read a text variable; unset and empty both mean the default."""
    return os.environ.get(name, "").strip() or default


def words(name: str, *, default: tuple[str, ...]) -> list[str]:
    """Read a comma-separated list."""
    text = os.environ.get(name, "").strip()
    return [word.strip() for word in text.split(",") if word.strip()] if text else list(default)


def prefixed(prefix: str) -> dict[str, str]:
    """Read every variable that begins with the prefix, by what follows it, as a name is written: `ALPHA_ONE` is `alpha-one`."""
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): text.strip()
        for name, text in sorted(os.environ.items())
        if name.startswith(prefix) and name != prefix and text.strip()
    }


def folder(name: str, *, default: Path) -> Path:
    """Read a folder's path, made absolute."""
    text = os.environ.get(name, "").strip()
    return Path(text).resolve() if text else default


def optional_folder(name: str) -> Path | None:
    """Read a folder's path, made absolute; unset means that there is none."""
    text = os.environ.get(name, "").strip()
    return Path(text).resolve() if text else None


def file_store(name: str, *, folder: Path) -> dict[str, Any]:
    """Read where files are kept: in the folder where nothing is said, else in a bucket.

    A bucket is `s3://KEY:SECRET@HOST:PORT/BUCKET?region=REGION&tls=no`. Without a host it is the store of the region itself; without a
    key, whatever the machine is entitled to.

    :raises ImproperlyConfigured: if the value is another kind of address.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    parts = urlsplit(text)
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    bucket = parts.path.strip("/")
    if parts.scheme != "s3" or not bucket or "/" in bucket or set(said) - {"region", "tls"}:
        raise ImproperlyConfigured(f"{name} must be s3://KEY:SECRET@HOST/BUCKET?region=REGION&tls=yes")
    host = f"{parts.hostname}:{parts.port}" if parts.hostname and parts.port else parts.hostname
    scheme = "http" if said.get("tls", "yes") in FALSE_WORDS else "https"
    options = {
        "bucket_name": bucket,
        "region_name": said.get("region") or None,
        "endpoint_url": f"{scheme}://{host}" if host else None,
        "access_key": unquote(parts.username) if parts.username else None,
        "secret_key": unquote(parts.password) if parts.password else None,
        "default_acl": None,
        "querystring_auth": True,
        # What is read goes through a file of its own on disk as soon as it is larger than this.
        "max_memory_size": 8 * 1024 * 1024,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def secret(name: str, *, fallback_file: Path | None) -> str:
    """Read a secret from the variable, else from a file kept beside the data, which is made the first time.

    :raises ImproperlyConfigured: if the variable is not set and there is no file to fall back on.
    """
    text = os.environ.get(name, "").strip()
    if text:
        return text
    if fallback_file is None:
        raise ImproperlyConfigured(f"{name} is not set")
    if not fallback_file.is_file():
        _invent_secret(fallback_file)
    return fallback_file.read_text().strip()


def service(name: str, *, data_folder: Path | None, default: str) -> str:
    """Read a service's URL from the variable, else from what `manage.py up` wrote down beside the data."""
    text = os.environ.get(name, "").strip()
    if text or data_folder is None:
        return text or default
    return services.read(data_folder).get(name, default)


def _invent_secret(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64))
    # A link is made by one of several processes that start at once; the others take its file.
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
