#!/bin/sh
# Makes what the compose files take as secrets, in a folder that only its owner can enter:
#
#   docker/keys.sh FOLDER [NAME...]
#
#   token-master.key                  seals the token's store
#   issuer-ca.key                     signs the certificates that the issuer gives out
#   gateway-tls.key, gateway-tls.pem  https of the relay before the issuer, for these NAMEs (hosts
#                                     or addresses; always for gateway, localhost and 127.0.0.1)
#
# What is there already stays. `export SKS_SECRETS=FOLDER` makes the compose files take them.
set -eu

[ $# -ge 1 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1
shift

names=DNS:gateway,DNS:localhost,IP:127.0.0.1
for name in "$@"; do
    case $name in
        *[!0-9.]*) names=$names,DNS:$name ;;
        *) names=$names,IP:$name ;;
    esac
done

umask 077
mkdir -p "$folder"
cd "$folder"
[ -e token-master.key ] || openssl rand -hex 32 >token-master.key
[ -e issuer-ca.key ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out issuer-ca.key 2>/dev/null
[ -e gateway-tls.pem ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj "/CN=SKS rig gateway" -days "${DAYS:-825}" -keyout gateway-tls.key -out gateway-tls.pem \
    -addext "subjectAltName=$names" -addext "basicConstraints=critical,CA:FALSE" \
    -addext "keyUsage=critical,digitalSignature" -addext "extendedKeyUsage=serverAuth" 2>/dev/null
chmod 444 gateway-tls.pem
