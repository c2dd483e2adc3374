"""`python -m service.healthcheck`: exit 0 when the service on this machine is ready, 1 when not. For the container."""

import http.client
import os
import sys


def main() -> int:
    """Give the exit status."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=3)
    try:
        connection.request("GET", "/readyz")
        return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
