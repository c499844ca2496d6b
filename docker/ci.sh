#!/bin/sh
# The interop part of .ci/run: the run itself, then what image and containers are allowed.
set -eu
cd "$(dirname "$0")/.."

docker/interop.sh
if docker info >/dev/null 2>&1 && docker image inspect debian:bookworm-slim >/dev/null 2>&1; then
    docker/check.sh
else
    echo "FELL BACK: the interop run was not by docker, and image and containers are not checked"
fi
