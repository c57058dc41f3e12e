"""What `manage.py up` runs, in which order, and what it need not do again."""

import hashlib
import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from ledgerops.embedded import processes, roles, services
from ledgerops.embedded.postgres import EmbeddedPostgres
from ledgerops.embedded.processes import ServiceError
from ledgerops.embedded.supervisor import Lock, Program, Supervisor
from ledgerops.embedded.valkey import EmbeddedValkey

DATABASE = "ledgerops"
DEMO = ("--seed", "7", "--days", "30", "--customers", "120", "--load")
STATIC_NOT_USED = ("redoc", "rest_framework")
LOG_LIMIT_BYTES = 10_000_000
WEB_URL = "WEB_URL"
# What serves the web, here and in the benchmark of HTTP.
WEB = (
    *("gunicorn", "ledgerops.wsgi:application", "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--preload"),
    *("--graceful-timeout", "10", "--timeout", "60", "--no-control-socket"),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run and where. `users_table` tells whether the database holds a company already."""

    project: Path
    data_folder: Path
    port: int
    demo: bool
    users_table: str

    @property
    def lock(self) -> Lock:
        return Lock(self.data_folder / "up.lock")


class Stack:
    """LedgerOps on this machine, from nothing to a page that answers."""

    def __init__(self, *, plan: Plan, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.say = say
        self.supervisor = Supervisor(say=say)
        self.web_url = ""
        self._known = services.read(plan.data_folder)
        self._postgres: EmbeddedPostgres | None = None

    def start(self) -> None:
        """Start everything and return when a page was served; somebody must then watch.

        :raises ServiceError: if something does not come up; what did is still running.
        """
        began = time.monotonic()
        self._known.pop(WEB_URL, None)
        (self.plan.data_folder / "logs").mkdir(exist_ok=True)
        processes.end_all(lambda: processes.left_behind(self.plan.data_folder), first=signal.SIGTERM, seconds=20)
        fonts = self._make_fonts()
        self._start_servers()
        fonts.finish()
        static = self._collect_static()
        self._migrate()
        self._load_demo()
        static.finish()
        self._start_web()
        self._start_workers()
        self.say(f"ready after {time.monotonic() - began:.1f} s; Ctrl-C stops everything")

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self._known.pop(WEB_URL, None)
        services.write(self.plan.data_folder, self._known)
        self.supervisor.stop_all()

    def _start_servers(self) -> None:
        """Start PostgreSQL and Valkey, each unless the environment names another, and write down where they are."""
        folder = self.plan.data_folder
        postgres = valkey = None
        if not os.environ.get("DATABASE_URL"):
            postgres = EmbeddedPostgres(folder=folder / "postgres", log=self._log("postgres"), port=_port(self._known.get("DATABASE_URL")))
            self.supervisor.start(postgres)
        elif not os.environ.get("DATABASE_OWNER_URL"):
            raise ServiceError("DATABASE_URL is set, so DATABASE_OWNER_URL must be too: the migrations run as the owner")
        if not os.environ.get("CELERY_BROKER_URL"):
            valkey = EmbeddedValkey(folder=folder / "valkey", log=self._log("valkey"), port=_port(self._known.get("CELERY_BROKER_URL")))
            self.supervisor.start(valkey)
        if postgres is not None:
            postgres.wait_ready()
            passwords = roles.kept_passwords(folder / "database-passwords.json")
            self._drop_unfinished_demo(postgres)
            roles.bootstrap(superuser_url=postgres.url(), database=DATABASE, passwords=passwords)
            self._known["DATABASE_URL"] = postgres.url(database=DATABASE, user="ledgerops_app", password=passwords.app)
            self._known["DATABASE_OWNER_URL"] = postgres.url(database=DATABASE, user="ledgerops_migrator", password=passwords.migrator)
            self.say(f"PostgreSQL on 127.0.0.1:{postgres.port}, data in {postgres.folder}")
        if valkey is not None:
            valkey.wait_ready()
            self._known["CELERY_BROKER_URL"] = valkey.url
            self.say(f"Valkey on 127.0.0.1:{valkey.port}")
        self._postgres = postgres
        services.write(folder, self._known)

    def _make_fonts(self) -> Program:
        program = self._manage("fonts", "--if-missing")
        if not (self.plan.project / "static" / "fonts" / "fonts.css").is_file():
            program.start()
        return program

    def _collect_static(self) -> Program:
        program = self._manage("collectstatic", "--noinput", "--verbosity", "0", *(f"--ignore={name}" for name in STATIC_NOT_USED))
        stamp = self.plan.data_folder / "static.stamp"
        manifest = self.plan.data_folder / "static" / "staticfiles.json"
        now = digest([*_files(self.plan.project, "static/**/*"), self.plan.project / "requirements.txt"])
        if not (stamp.is_file() and stamp.read_text() == now and manifest.is_file()):
            # The stamp of a run that is cut short misleads nobody: without the manifest, written last, it counts for nothing.
            manifest.unlink(missing_ok=True)
            services.write_private(stamp, now)
            program.start()
        return program

    def _migrate(self) -> None:
        """Migrate, unless our own database has seen exactly these files; the stamp lies with the data it speaks of."""
        stamp = self._postgres.folder / "migrated" if self._postgres else None
        files = [
            *_files(self.plan.project, "*/migrations/*.py"),
            *_files(self.plan.project, "*/sql/*.sql"),
            self.plan.project / "requirements.txt",
        ]
        now = digest([*files, self.plan.project / "ledgerops" / "grants.py"])
        if stamp is not None and stamp.is_file() and stamp.read_text() == now:
            return
        self.say("migrating")
        self._run(self._manage("migrate", "--database", "owner", "--no-input"))
        if stamp is not None:
            stamp.write_text(now)

    @property
    def _demo_mark(self) -> Path:
        return self.plan.data_folder / "demo.unfinished"

    def _load_demo(self) -> None:
        if not self.plan.demo:
            return
        url = os.environ.get("DATABASE_URL") or self._known["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(self.plan.users_table))).fetchone()
        if row == (True,):
            return
        self.say("loading the demo company")
        self._demo_mark.touch()
        self._run(self._manage("generate", *DEMO))
        self._demo_mark.unlink()

    def _drop_unfinished_demo(self, postgres: EmbeddedPostgres) -> None:
        """Begin again where loading was cut short: until it ends nobody else has written to that database."""
        if self._demo_mark.is_file():
            self.say("the demo company was not loaded completely; beginning again")
            (postgres.folder / "migrated").unlink(missing_ok=True)
            roles.drop_database(superuser_url=postgres.url(), database=DATABASE)
            self._demo_mark.unlink()

    def _start_web(self) -> None:
        port = next((port for port in range(self.plan.port, self.plan.port + 100) if processes.is_free(port)), None)
        if port is None:
            raise ServiceError(f"no port between {self.plan.port} and {self.plan.port + 99} is free")
        if port != self.plan.port:
            self.say(f"port {self.plan.port} is taken, using {port}")
        web = self._lasting("web", *WEB, "--bind", f"127.0.0.1:{port}")
        self.supervisor.start(web)
        deadline = time.monotonic() + 120
        while (status := answer(port)) is None:
            if web.process is None or processes.ended(web.process) or time.monotonic() > deadline:
                raise ServiceError(f"web does not answer; the end of {web.log}:\n{processes.tail(web.log)}")
            time.sleep(0.05)
        if status >= http.client.INTERNAL_SERVER_ERROR:
            self.say(f"the first page failed with status {status}; see {web.log}")
        self.web_url = f"http://localhost:{port}"
        self._known[WEB_URL] = self.web_url
        services.write(self.plan.data_folder, self._known)

    def _start_workers(self) -> None:
        """Start what no page waits for."""
        schedule = str(self.plan.data_folder / "beat-schedule")
        self.supervisor.start(
            self._lasting(
                "worker",
                *("celery", "--app", "ledgerops", "worker", "--concurrency", "2", "--hostname", "worker@localhost"),
                *("--without-gossip", "--without-mingle"),
            )
        )
        self.supervisor.start(self._lasting("beat", "celery", "--app", "ledgerops", "beat", "--schedule", schedule, "--pidfile="))

    def _manage(self, command: str, *arguments: str) -> Program:
        return self._program(command, [sys.executable, str(self.plan.project / "manage.py"), command, *arguments])

    def _lasting(self, name: str, *module: str, env: dict[str, str] | None = None) -> Program:
        """Return one that serves requests or tasks; it is not given the owner's password."""
        owner = without_password(os.environ.get("DATABASE_OWNER_URL") or self._known["DATABASE_OWNER_URL"])
        return self._program(name, [sys.executable, "-m", *module], env={"DATABASE_OWNER_URL": owner, **(env or {})})

    def _program(self, name: str, argv: list[str], *, env: dict[str, str] | None = None) -> Program:
        return Program(
            name=name,
            argv=argv,
            log=self._log(name),
            cwd=self.plan.project,
            data_folder=self.plan.data_folder,
            env=env or {},
        )

    def _run(self, program: Program) -> None:
        program.start()
        program.finish()

    def _log(self, name: str) -> Path:
        log = self.plan.data_folder / "logs" / f"{name}.log"
        if log.is_file() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log


def running_at(plan: Plan, *, seconds: float) -> str | None:
    """Return the address of the LedgerOps that holds the data folder, waiting while it starts; None if it does not answer in time."""
    found = ""

    def look() -> bool:
        nonlocal found
        found = services.read(plan.data_folder).get(WEB_URL, "")
        return plan.lock.holder() is None or (bool(found) and answer(_port(found) or 0) is not None)

    processes.wait_until(look, seconds=seconds, pause=0.2)
    return found if found and plan.lock.holder() is not None and answer(_port(found) or 0) is not None else None


def answer(port: int) -> int | None:
    """Return the status of the first page, or None if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def without_password(url: str) -> str:
    """Return the URL with its user, host, port and database alone."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.username}@{parts.hostname}:{parts.port or 5432}{parts.path}"


def digest(files: Iterable[Path]) -> str:
    """Return a digest of names and contents."""
    summary = hashlib.sha256()
    for file in sorted(files):
        summary.update(f"{file}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return summary.hexdigest()


def _files(project: Path, pattern: str) -> list[Path]:
    return [file for file in project.glob(pattern) if file.is_file()]


def _port(url: str | None) -> int | None:
    return urlsplit(url).port if url else None
