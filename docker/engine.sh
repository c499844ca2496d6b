#!/bin/sh
# Runs a command where a docker engine answers:
#
#   docker/engine.sh COMMAND [WORD...]
#
# If none answers, and this is root on a machine that lets it, one is installed (Debian's docker.io
# and docker-compose) and started in a temporary folder, for this command only; at the end it is
# stopped, by its process, and what it leaves on the machine is taken away. If that is not possible
# either, this says so and runs the command without an engine.
set -u

[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }

folder=
engine=
forwarding=
bridge=
rules=
policy=

install_missing()
{
    missing=
    for pair in dockerd:docker.io docker-compose:docker-compose debootstrap:debootstrap \
                iptables:iptables; do
        command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
    done
    [ -n "$missing" ] || return 0
    echo "installing$missing"
    # A package's script may want to start the engine: it would stay behind.
    printf '#!/bin/sh\nexit 101\n' >"$folder/policy"
    chmod +x "$folder/policy"
    [ -e /usr/sbin/policy-rc.d ] || { cp "$folder/policy" /usr/sbin/policy-rc.d; policy=ours; }
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        $missing; } >"$folder/apt.log" 2>&1
    done=$?
    [ "$policy" != ours ] || rm -f /usr/sbin/policy-rc.d
    return $done
}

# What the packet filter was before the engine came.
restore_rules()
{
    if grep -qs '^\*' "$rules"; then
        iptables-restore <"$rules" 2>/dev/null
    else # there was nothing at all
        iptables -P FORWARD ACCEPT 2>/dev/null
        for table in filter nat; do
            iptables -t "$table" -F 2>/dev/null
            iptables -t "$table" -X 2>/dev/null
        done
    fi
}

clean_up()
{
    trap '' INT TERM HUP
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null
        wait "$engine" 2>/dev/null
        [ -z "$forwarding" ] || echo "$forwarding" >/proc/sys/net/ipv4/ip_forward
        [ -n "$bridge" ] || ip link delete docker0 2>/dev/null
        restore_rules
    fi
    awk -v under="$folder/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mounted; do umount "$mounted"; done
    rm -rf --one-file-system "$folder"
}

start_engine()
{
    forwarding=$(cat /proc/sys/net/ipv4/ip_forward 2>/dev/null)
    bridge=$(ip link show docker0 2>/dev/null)
    rules=$folder/rules
    iptables-save >"$rules" 2>/dev/null
    for driver in overlay2 vfs; do
        dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
            --host "unix://$folder/socket" --storage-driver "$driver" >"$folder/log" 2>&1 &
        engine=$!
        tries=0
        while kill -0 "$engine" 2>/dev/null && [ $tries -lt 60 ]; do
            if DOCKER_HOST=unix://$folder/socket docker info >/dev/null 2>&1; then
                echo "docker engine started, storage driver $driver"
                return 0
            fi
            tries=$((tries + 1))
            sleep 0.5
        done
        kill "$engine" 2>/dev/null
        wait "$engine" 2>/dev/null
        engine=
        rm -rf --one-file-system "$folder/data"
    done
    return 1
}

if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    exec "$@"
fi
if [ "$(id -u)" != 0 ]; then
    echo "NO DOCKER ENGINE: none answers, and only root may start one; going on without"
    exec "$@"
fi
folder=$(mktemp -d)
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
if ! install_missing; then
    tail -n 5 "$folder/apt.log" >&2
    echo "NO DOCKER ENGINE: it cannot be installed; going on without"
    "$@"
    exit
fi
if ! start_engine; then
    grep -E 'level=(error|fatal)|^failed' "$folder/log" | tail -n 5 >&2
    echo "NO DOCKER ENGINE: it cannot be started; going on without"
    "$@"
    exit
fi
export DOCKER_HOST="unix://$folder/socket"
"$@"
