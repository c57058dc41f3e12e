"""The bytes of files: kept under their hash, on disk or in an object store, before any row names them."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from uuid import uuid4

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage, storages

from ledgerops.lib.errors import Refusal, RefusalKind

CHUNK = 1024 * 1024


class Kept(Protocol):
    """A row that names bytes by their hash."""

    @property
    def sha256(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def storage_name(self) -> str: ...


class FileBytesLost(Refusal):
    """The store no longer holds the bytes that were received under this hash."""

    code = "file_bytes_lost"
    kind = RefusalKind.CONFLICT


def hash_of(content: BinaryIO) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file, and leave it at its beginning."""
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    content.seek(0)
    return digest.hexdigest(), size


def keep(*, sha256: str, content: BinaryIO) -> None:
    """Store bytes under their hash, durably. What an object store puts is whole or not there; a disk is helped to the same promise."""
    name = f"{sha256[:2]}/{sha256}"
    if default_storage.exists(name):
        return
    content.seek(0)
    if not isinstance(storages["default"], FileSystemStorage):
        default_storage.save(name, File(content))
        return
    # Under a name of their own first, then moved, so that no name ever holds half a file.
    own_name = f"{name}.{uuid4().hex}"
    try:
        own = Path(default_storage.path(default_storage.save(own_name, File(content))))
        _make_durable(own)
        own.replace(default_storage.path(name))
        _make_durable(own.parent)
    finally:
        default_storage.delete(own_name)


@contextmanager
def verified(file: Kept) -> Iterator[BinaryIO]:
    """Open a stored file whose bytes are those that were received.

    :raises FileBytesLost: if they are gone or others.
    """
    with opened(file) as content:
        if hash_of(content) != (file.sha256, file.size_bytes):
            raise FileBytesLost("the stored bytes of this file are not those that were received", sha256=file.sha256)
        yield content


@contextmanager
def opened(file: Kept) -> Iterator[BinaryIO]:
    """Open a stored file as it is.

    :raises FileBytesLost: if it is gone.
    """
    try:
        stored = default_storage.open(file.storage_name)
    except FileNotFoundError as error:
        raise FileBytesLost("the stored bytes of this file are gone", sha256=file.sha256) from error
    with stored:
        yield cast("BinaryIO", stored)


def _make_durable(path: Path) -> None:
    """Wait until the disk has a file's bytes, or a folder's names: the row that will name them must not outlive them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
