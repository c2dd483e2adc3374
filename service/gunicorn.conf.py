"""How gunicorn serves the app: `gunicorn -c service/gunicorn.conf.py`. What can be set is in service/settings.py."""

import os
import sys
from pathlib import Path
from typing import Any

# Before NumPy is imported: a BLAS pool in each worker would have more threads than there are processors, and its
# waiting threads spin.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from service import log, watch
from service.errors import SettingsError
from service.settings import Settings

try:
    settings = Settings.load()
except SettingsError as error:
    sys.exit(f"wrong setting: {error}")
log.configure(settings.log_level, settings.log_format)

wsgi_app = "service.app:create_server()"
bind = f"{settings.host}:{settings.port}"
workers = settings.workers
worker_class = "service.worker.Worker"
timeout = 30
graceful_timeout = 20
preload_app = True  # models are read once, and workers share their memory: service/board.py rests on it
control_socket_disable = True  # it would need a writable home
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat must not wait for a disk
loglevel = settings.log_level
logconfig_dict = log.of_gunicorn(settings.log_level, settings.log_format)


def post_worker_init(worker: Any) -> None:
    """Take part in swaps; a worker that replaces a dead one first catches up with what has changed since."""
    extensions = worker.wsgi.flask.extensions
    watch.watch(extensions["live"], extensions["shadow"], extensions["counters"], settings)
    extensions["tracing"].start(settings)


def worker_exit(_server: Any, worker: Any) -> None:
    """Leave nothing behind that was only noted."""
    extensions = worker.app.wsgi().flask.extensions
    extensions["counters"].add_up()
    extensions["tracing"].stop()
    if extensions["corrections"] is not None:
        extensions["corrections"].close()


def child_exit(server: Any, worker: Any) -> None:
    """Let no swap wait for a worker that has ended, however it did."""
    server.app.wsgi().flask.extensions["live"].board.workers.free(worker.pid)
