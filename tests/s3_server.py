"""A real S3 server: moto's, in a process of its own on a free port of 127.0.0.1. `python -m tests.s3_server` is it."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from tests.drafts import ROOT

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

BUCKET = "models"
LOSE = "/_lose_answers/"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class S3Server:
    """The server's process. It holds its objects in memory; what a killed one held a new one can be given."""

    def __init__(self) -> None:
        self.port = free_port()
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "NO_PROXY": "127.0.0.1"}
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        program = [sys.executable, "-m", "tests.s3_server", str(self.port)]
        self.process = subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, "the S3 server ended"
            assert time.monotonic() < end, "the S3 server does not answer"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)

    def client(self):
        import boto3.session

        return boto3.session.Session(
            CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
        ).client("s3", endpoint_url=self.environment["AWS_ENDPOINT_URL"])

    def make_bucket(self, name: str) -> None:
        with contextlib.closing(self.client()) as client:
            client.create_bucket(Bucket=name)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """What a bucket holds, by key."""
        with contextlib.closing(self.client()) as client:
            keys = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", ())]
            return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def fill(self, bucket: str, objects: dict[str, bytes]) -> None:
        with contextlib.closing(self.client()) as client:
            for key, data in objects.items():
                client.put_object(Bucket=bucket, Key=key, Body=data)

    def lose_answers(self, count: int) -> None:
        """Let it do what the next `count` PUT requests say, and close the connection without an answer."""
        urllib.request.urlopen(f"{self.environment['AWS_ENDPOINT_URL']}{LOSE}{count}", data=b"").close()

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal: SIGSTOP makes it silent, SIGCONT wakes it."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()


def end_with_the_tests() -> None:
    """End when whoever started this has ended, in whatever way."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(port: int) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    app = DomainDispatcherApplication(create_backend_app)
    turn = threading.Lock()
    to_lose = 0

    def one_at_a_time(environ, start_response):
        """S3 looks at a condition and writes in one step; moto does not, so nobody else may come between."""
        nonlocal to_lose
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            raise ConnectionError("the client is gone in the middle of its request")
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith(LOSE):
            to_lose = int(environ["PATH_INFO"].removeprefix(LOSE))
            start_response("200 OK", [("Content-Length", "0")])
            return []
        with turn:
            answer = list(app(environ, start_response))
            if environ["REQUEST_METHOD"] == "PUT" and to_lose:
                to_lose -= 1
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return answer

    threading.Thread(target=end_with_the_tests, daemon=True).start()
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    run_simple("127.0.0.1", port, one_at_a_time, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
