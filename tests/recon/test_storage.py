"""Files in a bucket: what is put under its hash is what comes back, and a bucket's promise is the disk's."""

import io
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.test import override_settings
from moto.server import ThreadedMotoServer

from approvals.models import User
from ledgerops import env
from recon import operations
from recon.models import Source, Statement
from recon.operations import FileBytesLost
from tests.concurrency import scene
from tests.recon.delivered import accept, mt940, receive


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Keep the files of a test in a bucket of a server of its own; returns its address."""
    name = f"files-{uuid4().hex}"  # the server remembers across tests
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("LEDGEROPS_FILES_URL", f"s3://key:secret@{host}:{port}/{name}?region=eu-central-1&tls=no")
    client = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="eu-central-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    store = env.file_store("LEDGEROPS_FILES_URL", folder=None)  # type: ignore[arg-type] # not looked at
    with override_settings(
        STORAGES={"default": store, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    ):
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def test_file_in_a_bucket_is_read_accepted_and_handed_out_byte_for_byte(bucket: str, bank: Source, maker: User) -> None:
    content = mt940((0, 100, "A-0001"))
    statement = accept(content, by=maker, source=bank)
    assert (statement.proof, Statement.objects.count()) == ("proven", 1)
    with operations.hand_out_file(file_id=statement.file_id) as handed:
        assert handed.read() == content
    assert storages["default"].listdir("")[0] == [statement.file.sha256[:2]]
    again, new = operations.receive_file(name="x", content=io.BytesIO(content), maximum_bytes=10**6, received_by_id=maker.pk)
    assert (again.pk, new) == (statement.file_id, False)


def test_bytes_that_are_gone_from_the_bucket_are_missed(bucket: str, bank: Source, maker: User) -> None:
    file = receive(mt940((0, 100, "A-0001")), by=maker)
    storages["default"].delete(file.storage_name)
    with pytest.raises(FileBytesLost):
        operations.accept_file(file_id=file.pk, source_ids=[bank.pk])


@pytest.mark.parametrize("url", ["/srv/files", "http://host/bucket", "s3://host", "s3://host/bucket?colour=blue", "s3://host/two/parts"])
def test_what_is_no_store_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LEDGEROPS_FILES_URL", url)
    with pytest.raises(ImproperlyConfigured, match="LEDGEROPS_FILES_URL must be s3://"):
        env.file_store("LEDGEROPS_FILES_URL", folder=None)  # type: ignore[arg-type]
