#!/bin/sh
# Makes what the compose files take as secrets, in a folder that only its owner can enter:
#
#   docker/keys.sh FOLDER [NAME...]
#
#   token-master.key                  seals the token's store
#   issuer-ca.key, issuer-ca.pem      sign the certificates that the issuer gives out
#   gateway-tls.key, gateway-tls.pem  https of the relay before the issuer, for these NAMEs (hosts
#                                     or addresses; always for gateway, localhost and 127.0.0.1)
#   gateway-ca.pem                    vouches for that; what a client has to trust
#
# What is there already stays. `export SKS_SECRETS=FOLDER` makes the compose files take them.
set -eu

[ $# -ge 1 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1
shift

names=DNS:gateway,DNS:localhost,IP:127.0.0.1
for name in "$@"; do
    case $name in
        *[!0-9.]*) names=$names,DNS:$name ;;
        *) names=$names,IP:$name ;;
    esac
done

# extensions LINE...: a configuration of them alone, whatever the openssl.cnf of the system adds
extensions()
{
    printf '[req]\ndistinguished_name = name\nx509_extensions = extensions\n[name]\n'
    printf '[extensions]\nsubjectKeyIdentifier = hash\n'
    printf '%s\n' "$@"
}

# a_ca NAME: NAME.key, if it is not there, and NAME.pem
a_ca()
{
    [ -e "$1.key" ] || p256_key "$1.key"
    extensions "basicConstraints = critical, CA:TRUE, pathlen:0" \
        "keyUsage = critical, keyCertSign, cRLSign" >openssl.cnf
    openssl req -x509 -new -config openssl.cnf -key "$1.key" -subj "$2 $(openssl rand -hex 4)" \
        -days 7300 -sha256 -out "$1.pem"
}

p256_key()
{
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# The CA signs this one certificate: its key is not kept.
gateway_tls()
{
    a_ca gateway-ca "/CN=SKS rig gateway CA"
    p256_key gateway-tls.key
    extensions "basicConstraints = critical, CA:FALSE" "keyUsage = critical, digitalSignature" \
        "extendedKeyUsage = serverAuth" "authorityKeyIdentifier = keyid" \
        "subjectAltName = $names" >openssl.cnf
    openssl req -new -config openssl.cnf -key gateway-tls.key -subj "/CN=SKS rig gateway" |
        openssl x509 -req -CA gateway-ca.pem -CAkey gateway-ca.key -days "${DAYS:-825}" -sha256 \
            -set_serial "0x$(openssl rand -hex 16)" -extfile openssl.cnf -extensions extensions \
            -out leaf.pem 2>/dev/null
    cat leaf.pem gateway-ca.pem >gateway-tls.pem
    rm gateway-ca.key leaf.pem
}

umask 077
mkdir -p "$folder"
cd "$folder"
[ -e token-master.key ] || openssl rand -hex 32 >token-master.key
[ -e issuer-ca.pem ] || a_ca issuer-ca "/CN=SKS issuer CA"
[ -e gateway-tls.pem ] || gateway_tls
rm -f openssl.cnf
chmod 444 ./*.pem
