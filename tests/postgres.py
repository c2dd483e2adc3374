"""A real PostgreSQL server: Debian's, over a folder of its own, on a free port of 127.0.0.1."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.s3_server import free_port

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
"""Where initdb and postgres are; None on a machine that has none."""

USER = "corrections"
PASSWORD = "not for everybody"

# Whoever started the shell may end in any way: then its standard input ends, and the server with it.
_UNTIL_CLOSED = '"$@" & cat > /dev/null; kill -QUIT $!; wait $!'

_SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "shared_buffers": "16MB"}


class Postgres:
    """The server's process and its folder. What it has stored is there again when it is started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres"))
        self._process: subprocess.Popen | None = None
        # PostgreSQL does not run as root; Debian's package has a user for it.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if self._user:
            shutil.chown(password, self._user)
        options = ("--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256", "--no-sync", "-E", "UTF8")
        subprocess.run(
            [PROGRAMS / "initdb", "--pgdata", self._folder / "data", *options],
            user=self._user,
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def url(self) -> str:
        return f"postgresql://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        server = [PROGRAMS / "postgres", "-D", self._folder / "data", "-p", str(self.port), *settings]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _UNTIL_CLOSED, "sh", *server],
                user=self._user,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < end, f"no answer; its log: {(self._folder / 'log').read_text()}"
            time.sleep(0.05)

    def emptied(self) -> str:
        """Leave nothing in the database that a test may have, and give its URL."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS mlp_corrections")
        return self.url()

    def stop(self) -> None:
        """End it at once, as a power cut would, whoever is connected."""
        self._process.stdin.close()
        self._process.wait(30)

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=5):
            return True
        return False
