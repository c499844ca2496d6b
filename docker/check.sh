#!/bin/sh
# Prints what an image and its containers are allowed, and fails if that is not what
# docker/check.expected says:
#
#   docker/check.sh [--twice] [IMAGE]
#
# IMAGE is sks-rig:local, and made if it is not there. --twice makes it once more from nothing and
# compares the two file by file: they may differ in times only.
set -eu
cd "$(dirname "$0")/.."

size_max=120000000
twice=
if [ "${1:-}" = --twice ]; then
    twice=yes
    shift
fi
image=${1:-sks-rig:local}
project=sks-check-$$
folder=$(mktemp -d)
export SKS_IMAGE="$image"

compose()
{
    if docker compose version >/dev/null 2>&1; then
        docker compose --project-name "$project" --file docker/compose.yaml "$@"
    else
        docker-compose --project-name "$project" --file docker/compose.yaml "$@"
    fi
}

clean_up()
{
    trap '' INT TERM HUP
    compose down --volumes --timeout 5 >/dev/null 2>&1 || true
    docker rm "$project-1" "$project-2" >/dev/null 2>&1 || true
    docker rmi "$project" >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# ---- the image ----

docker image inspect "$image" >/dev/null 2>&1 || compose build token >/dev/null
size=$(docker image inspect --format '{{.Size}}' "$image")
echo "image $image: $((size / 1000000)) MB"
[ "$size" -lt "$size_max" ] || { echo "over $((size_max / 1000000)) MB" >&2; exit 1; }

# A line a file: mode, owner, size or target, name; then its contents' digest.
list()
{
    docker create --name "$1" "$2" >/dev/null
    docker export "$1" >"$folder/$1.tar"
    mkdir "$folder/$1"
    tar -tvf "$folder/$1.tar" --numeric-owner | awk '{ $4 = $5 = ""; print }' | sort \
        >"$folder/$1.list"
    tar -C "$folder/$1" -xf "$folder/$1.tar" --no-same-owner
    (cd "$folder/$1" && find . -type f -exec sha256sum {} + | sort -k 2) >>"$folder/$1.list"
}
list "$project-1" "$image"
shells=$(grep -cE '/(bash|dash|sh|busybox|perl|python[0-9.]*|gcc|cc|as|ld|apt|dpkg|curl|wget)$' \
    "$folder/$project-1.list" || true)
setuid=$(grep -cE '^[-d]..[sS]|^[-d].....[sS]' "$folder/$project-1.list" || true)

{
    form='image user {{.Config.User}}, command {{.Config.Cmd}},'
    form=$form' health check {{.Config.Healthcheck.Test}}, entry point {{.Config.Entrypoint}},'
    form=$form' ports {{len .Config.ExposedPorts}},'
    # shellcheck disable=SC2016 # variables of the template, not of the shell
    form=$form' labels {{range $name, $value := .Config.Labels}}{{$name}} {{end}}'
    docker image inspect --format "$form" "$image" | sed 's/com.docker[^ ]* //g; s/ $//'
    echo "image shells, compilers, package managers, download tools $shells," \
        "setuid or setgid files $setuid"
} >"$folder/found"

# ---- the containers ----

services="gateway issuer operator proxy tester token witness"
# shellcheck disable=SC2086
compose up -d $services >"$folder/up.log" 2>&1 || { tail -n 20 "$folder/up.log" >&2; exit 1; }

container()
{
    docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1"
}

health()
{
    docker inspect --format '{{.State.Health.Status}}' "$(container "$1")"
}

for service in $services; do
    tries=0
    until [ "$(health "$service")" = healthy ]; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || { echo "$service does not get healthy" >&2; exit 1; }
        sleep 0.5
    done
done

for service in $services; do
    one=$(container "$service")
    id=$(docker exec "$one" sks-interop inside)
    docker exec "$one" sks-interop healthcheck >/dev/null ||
        { echo "$service: the health check of the image fails" >&2; exit 1; }
    form=' root file system read-only {{.HostConfig.ReadonlyRootfs}}, capabilities dropped'
    form=$form' {{.HostConfig.CapDrop}} added {{len .HostConfig.CapAdd}},'
    form=$form' privileged {{.HostConfig.Privileged}}, {{.HostConfig.SecurityOpt}},'
    form=$form' published {{len .HostConfig.PortBindings}}, first process {{.Config.Cmd}}, networks'
    # shellcheck disable=SC2016
    form=$form' {{range $name, $value := .NetworkSettings.Networks}}{{$name}} {{end}}'
    docker inspect --format "$service: $id,$form" "$one" | sed "s/${project}_//g; s/ \$//"
done >>"$folder/found"

cat "$folder/found"
if ! diff -u docker/check.expected "$folder/found" >"$folder/drift"; then
    echo "this is not what docker/check.expected says:" >&2
    cat "$folder/drift" >&2
    exit 1
fi

# ---- once more ----

if [ -n "$twice" ]; then
    form='{{index .Config.Labels "org.opencontainers.image.revision"}}'
    docker build --quiet --no-cache --file docker/Dockerfile --tag "$project" \
        --build-arg "REVISION=$(docker image inspect --format "$form" "$image")" . >/dev/null
    list "$project-2" "$project"
    if ! diff "$folder/$project-1.list" "$folder/$project-2.list" >"$folder/drift"; then
        echo "two builds of one commit differ:" >&2
        head -n 20 "$folder/drift" >&2
        exit 1
    fi
    lines=$(wc -l <"$folder/$project-1.list")
    echo "made twice: $lines lines of names, modes, owners and digests, no difference"
fi
