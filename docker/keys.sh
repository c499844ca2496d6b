#!/bin/sh
# Makes what the compose files take as secrets, in a folder that only its owner can enter:
#
#   docker/keys.sh FOLDER [NAME...]
#
#   token-master.key                  seals the token's store
#   issuer-ca.key, issuer-ca.pem      sign the certificates that the issuer gives out
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

# An extension of the certificate must stand in it once, whatever openssl.cnf adds.
self_signed()
{
    subject=$1 days=$2 key=$3 certificate=$4
    shift 4
    {
        printf '[req]\ndistinguished_name = name\nx509_extensions = extensions\n[name]\n'
        printf '[extensions]\nsubjectKeyIdentifier = hash\n'
        printf '%s\n' "$@"
    } >openssl.cnf
    openssl req -x509 -new -config openssl.cnf -key "$key" -subj "$subject" -days "$days" \
        -sha256 -out "$certificate"
    rm openssl.cnf
    chmod 444 "$certificate"
}

p256_key()
{
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

umask 077
mkdir -p "$folder"
cd "$folder"
[ -e token-master.key ] || openssl rand -hex 32 >token-master.key
[ -e issuer-ca.key ] || p256_key issuer-ca.key
[ -e issuer-ca.pem ] || self_signed "/CN=SKS issuer CA $(openssl rand -hex 4)" 7300 \
    issuer-ca.key issuer-ca.pem "basicConstraints = critical, CA:TRUE, pathlen:0" \
    "keyUsage = critical, keyCertSign, cRLSign"
[ -e gateway-tls.key ] || p256_key gateway-tls.key
[ -e gateway-tls.pem ] || self_signed "/CN=SKS rig gateway" "${DAYS:-825}" \
    gateway-tls.key gateway-tls.pem "basicConstraints = critical, CA:FALSE" \
    "keyUsage = critical, digitalSignature" "extendedKeyUsage = serverAuth" \
    "subjectAltName = $names"
