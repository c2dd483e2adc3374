"""Copies a store in a folder into a bucket, for compose.yaml: `python fill.py /models s3://bucket/prefix`.

What is in the bucket already stays as it is. Versions are copied first, the alias documents that name them last. It
waits until the server answers and has the bucket.
"""

import sys
import time
from pathlib import Path
from typing import Any, Final

import boto3.session
from botocore.exceptions import BotoCoreError, ClientError

WAIT_SECONDS: Final = 60.0


def fill(client: Any, folder: Path, bucket: str, prefix: str) -> list[str]:
    """Copy what the bucket lacks; give the keys that were written."""
    files = sorted((*folder.glob("*/*.npz"), *folder.glob("*/aliases.json")), key=lambda path: path.suffix != ".npz")
    written = []
    for file in files:
        key = "/".join(filter(None, (prefix, file.parent.name, file.name)))
        try:
            client.put_object(Bucket=bucket, Key=key, Body=file.read_bytes(), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"412", "PreconditionFailed"}:
                raise
        else:
            written.append(key)
    return written


def wait_for(client: Any, bucket: str) -> None:
    """Wait until the bucket is there. Raises what the last try raised."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            client.head_bucket(Bucket=bucket)
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return


def main(folder: str, location: str) -> None:
    """Wait, copy, and say what was copied."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    client = boto3.session.Session().client("s3")
    wait_for(client, bucket)
    print("\n".join(fill(client, Path(folder), bucket, prefix)) or "nothing was missing")


if __name__ == "__main__":
    main(*sys.argv[1:])
