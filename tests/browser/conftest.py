"""The whole product as `manage.py up` runs it, with a demo company of its own, and a real Chromium in front of it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from ledgerops.demo import DEMO_PASSPHRASE

PROJECT = Path(__file__).resolve().parent.parent.parent
# Without these, Chromium calls home, and is refused wherever there is no network.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STARTS_WITHIN = 240  # seconds; the first start makes a database and a demo company


@dataclass
class Stack:
    """A running product: its address and where it keeps its data."""

    address: str
    data_folder: Path
    sessions: dict[str, list[Any]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Start everything as a user does, in a folder of its own, and stop it with Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="ledgerops-browser-") as folder:
        Path(folder).chmod(0o711)
        data_folder = Path(folder) / "var"
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "CELERY_", "LEDGEROPS_", "DJANGO_"))
        }
        # The limit on failed sign-ins and the idle limit are the product's; a test day is longer than a quarter of an hour.
        environment = {**inherited, "LEDGEROPS_DATA_DIR": str(data_folder), "LEDGEROPS_SESSION_IDLE_MINUTES": "60"}
        with (Path(folder) / "up.log").open("w+") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(8100 + _worker())],
                cwd=PROJECT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                yield Stack(address=_address(process, log), data_folder=data_folder)
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=90)


def _worker() -> int:
    """Return the number of this process among those that share the tests: each runs a product of its own."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _address(process: subprocess.Popen[str], log: IO[str]) -> str:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        log.seek(0)
        said = log.read()
        if found := re.search(r"http://localhost:\d+", said):
            return found.group()
        assert process.poll() is None, f"up ended with {process.returncode}:\n{said}"
        time.sleep(0.2)
    raise AssertionError(f"no page after {STARTS_WITHIN} s:\n{said}")


@pytest.fixture(scope="module")
def chromium(chromium_path: Path) -> Iterator[Browser]:
    """Start a browser for one file of tests: while Playwright runs, Django refuses to be used in the same thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium_path), args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(stack: Stack, chromium: Browser) -> Iterator[Visit]:
    """Return a function that opens a signed-in page: `visit("analyst", "/breaks/", theme="dark", width=390)`.

    Whatever the console says, or a page throws, fails the test at its end.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(username: str, path: str = "/", *, theme: str = "light", width: int = 1440, height: int = 900) -> Page:
        context = chromium.new_context(base_url=stack.address, viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        context.add_cookies([*_session(stack, chromium, username), {"name": "theme", "value": theme, "url": stack.address}])
        page = context.new_page()
        page.on("console", lambda message: _note(message, complaints))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    # A refusal that the test asked for is said by the browser too; the test asserts it on the page.
    if message.type in ("error", "warning") and "the server responded with a status of 4" not in message.text:
        complaints.append(f"{message.location.get('url')}: {message.text}")


def _session(stack: Stack, chromium: Browser, username: str) -> list[Any]:
    """Sign in once for each person, through the page, and keep the cookies."""
    if username not in stack.sessions:
        context = chromium.new_context(base_url=stack.address)
        page = context.new_page()
        page.goto("/")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(DEMO_PASSPHRASE)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{stack.address}/")
        stack.sessions[username] = context.cookies()
        context.close()
    return stack.sessions[username]
