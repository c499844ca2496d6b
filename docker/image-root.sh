#!/bin/sh
# Makes the root of the runtime image in an empty folder: the programs as `make install` leaves
# them, the libraries that they load, and the few files of a system that these read.
set -eu

root=$1
cd "$(dirname "$0")/.."

make install DESTDIR="$root" PREFIX=/usr/local
strip --strip-unneeded "$root"/usr/local/bin/*

# The libraries under the names that the loader looks for, and the loader itself.
libraries=$(ldd "$root"/usr/local/bin/* |
    awk '$2 == "=>" { print $3 } $1 ~ /^\// && NF == 2 { print $1 }' | sort -u)
for library in $libraries; do
    install -D -m 755 "$library" "$root$library"
done

install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -D -m 644 /etc/ssl/openssl.cnf "$root/etc/ssl/openssl.cnf"
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"
install -D -m 644 /etc/os-release "$root/etc/os-release"
printf 'root:x:0:0::/:\nsks:x:10001:10001::/var/lib/sks:\n' >"$root/etc/passwd"
printf 'root:x:0:\nsks:x:10001:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

# Named volumes take owner and mode from here.
install -d -m 1777 "$root/tmp"
install -d -m 755 "$root/run"
for folder in token issuer driver desk-operator desk-witness desk-tester attack chaos public \
    device-ca operator-trust device reports; do
    install -d -o 10001 -g 10001 -m 700 "$root/var/lib/sks/$folder"
done
