#!/usr/bin/env bash
# `make image`: builds the Dockerfile with docker or podman, always on a base that is named by its digest. A PYTHON_IMAGE
# without one is fetched, and the digest that it has today is taken and printed, to be given the next time.
#
#   PYTHON_IMAGE   what the image is built on: python:3.11-slim, or python:3.11-slim@sha256:… for the same one again
#   REQUIREMENTS   which requirements it holds: service (the default), or any of "s3 tracing feedback"
#   IMAGE          its name (mlp)
#   ENGINE         docker or podman; by default whichever is there
set -euo pipefail
cd "$(dirname "$0")/../.."

engine=${ENGINE:-$(command -v docker || command -v podman || true)}
[ -n "$engine" ] || { echo "make image: neither docker nor podman is here (make image-check needs none)" >&2; exit 2; }
base=${PYTHON_IMAGE:-python:3.11-slim}
case $base in
  *@sha256:*) ;;
  *)
    "$engine" pull --quiet "$base" >/dev/null
    digest=$("$engine" image inspect --format '{{index .RepoDigests 0}}' "$base")
    base=$base@${digest#*@}
    ;;
esac
echo "PYTHON_IMAGE=$base"
"$engine" build --build-arg "PYTHON_IMAGE=$base" --build-arg "REQUIREMENTS=${REQUIREMENTS:-service}" --tag "${IMAGE:-mlp}" .
