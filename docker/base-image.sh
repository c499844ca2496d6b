#!/bin/sh
# Sees to it that the engine has debian:bookworm-slim: it is there, or pulled, or, where no registry
# can be reached, made of Debian's packages by debootstrap, which needs root.
set -eu

image=debian:bookworm-slim

docker image inspect "$image" >/dev/null 2>&1 && exit 0
if timeout 120 docker pull --quiet "$image" >/dev/null 2>&1; then
    echo "pulled $image"
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    echo "no $image: it cannot be pulled, and debootstrap or root is missing to make it" >&2
    exit 1
fi

echo "making $image by debootstrap, as it cannot be pulled"
folder=$(mktemp -d)
mounted=
clean_up()
{
    [ -z "$mounted" ] || umount "$folder"
    rm -rf --one-file-system "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# dpkg syncs each file: in memory that costs nothing.
mount -t tmpfs -o size=1g tmpfs "$folder" 2>/dev/null && mounted=yes
log=$folder/log
if ! debootstrap --variant=minbase bookworm "$folder/root" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
# As the image of that name: without caches, documents and translations.
tar -C "$folder/root" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
    --exclude='./var/log/*' -c . | docker import --change 'CMD ["bash"]' - "$image" >/dev/null
