"""The readers of the environment refuse what they do not understand, and invent no secret twice."""

import concurrent.futures
import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from ledgerops import env
from ledgerops.embedded import services


@pytest.mark.parametrize("text", ["maybe", "2", "oui"])
def test_a_boolean_is_yes_or_no(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NAME", text)
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        env.boolean("NAME", default=False)


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "11", "²"])
def test_a_number_is_within_its_bounds(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NAME", text)
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        env.integer("NAME", default=1, minimum=0, maximum=10)


def test_a_choice_is_one_of_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "prod")
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        env.choice("NAME", default="local", allowed=frozenset({"local", "production"}))


def test_a_secret_is_invented_once_even_by_many_at_once(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secret-key"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: env.secret("NO_SUCH_NAME", fallback_file=file), range(8)))
    assert len(set(found)) == 1
    assert len(found[0]) >= 50
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_production_has_no_secret_to_fall_back_on() -> None:
    with pytest.raises(ImproperlyConfigured, match="NO_SUCH_NAME"):
        env.secret("NO_SUCH_NAME", fallback_file=None)


def test_a_service_is_what_the_variable_says_else_what_up_wrote_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert env.service("DATABASE_URL", data_folder=tmp_path, default="fallback") != "fallback"
    monkeypatch.delenv("DATABASE_URL")
    assert env.service("DATABASE_URL", data_folder=tmp_path, default="fallback") == "fallback"
    services.write(tmp_path, {"DATABASE_URL": "written"})
    assert env.service("DATABASE_URL", data_folder=tmp_path, default="fallback") == "written"
    assert env.service("DATABASE_URL", data_folder=None, default="fallback") == "fallback"
    assert json.loads((tmp_path / services.FILE_NAME).read_text()) == {"DATABASE_URL": "written"}
    assert (tmp_path / services.FILE_NAME).stat().st_mode & 0o777 == 0o600
