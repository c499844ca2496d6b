#!/bin/sh
# Runs issuer, token and proxy apart from each other, and the driver that tries them:
#
#   docker/interop.sh [--by compose|namespaces|processes] [drive | attacked ATTACK | faults |
#       conform [token|issuer [CASE...]]]
#
# By the compose files where a docker engine answers; else, as root, on three hosts that are network
# namespaces, the proxy in the middle and no route between the ends; else as processes of one host.
# Nothing is left behind, however it ends, but the reports of sks-conform and the log of all that
# ran, in the folder $SKS_REPORTS (build/interop).
set -eu
cd "$(dirname "$0")/.."

by=
if [ "${1:-}" = --by ]; then
    by=$2
    shift 2
fi
scenario=${1:-drive}
[ $# -eq 0 ] || shift
attack=${1:-}
case $scenario:$# in
    drive:0 | faults:0 | attacked:1 | conform:*) ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

reports=${SKS_REPORTS:-build/interop}
rm -f "$reports"/conform-token.* "$reports"/conform-issuer.*
folder=$(mktemp -d)
pids=
hosts=
project=
overlay=

clean_up()
{
    trap '' INT TERM HUP
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    for host in $hosts; do ip netns delete "$host" 2>/dev/null || true; done
    if [ -n "$project" ]; then
        compose logs --no-color >"$folder/reports/interop.log" 2>/dev/null || true
        compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
        [ -n "${SKS_KEEP_IMAGE:-}" ] || docker rmi "$SKS_IMAGE" >/dev/null 2>&1 || true
    fi
    [ -z "$pids" ] || tail -n +1 "$folder"/*.err >"$folder/reports/interop.log" || true
    if [ -d "$folder/reports" ] && mkdir -p "$reports" && cp "$folder"/reports/* "$reports"; then
        echo "interop: reports and log are in $reports"
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# ---- in containers ----

engine_answers()
{
    command -v docker >/dev/null && docker info >/dev/null 2>&1 &&
        { docker compose version || docker-compose version; } >/dev/null 2>&1
}

compose()
{
    set -- --project-name "$project" --file docker/compose.yaml ${overlay:+--file "$overlay"} "$@"
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    else
        docker-compose "$@"
    fi
}

# by_compose [token|issuer [CASE...]]
by_compose()
{
    echo "interop: by docker/compose.yaml"
    docker/keys.sh "$folder/secrets"
    chmod 444 "$folder"/secrets/* # for the user of the containers; nobody else can enter the folder
    export SKS_SECRETS="$folder/secrets" SKS_ATTACK="$attack"
    export SKS_LOG_LEVEL="${SKS_LOG_LEVEL:-info}" # for interop.log
    mkdir "$folder/reports"
    chmod 777 "$folder/reports" # likewise
    export SKS_REPORTS="$folder/reports" SKS_CONFORM="$*"
    project=sks-interop-$$
    export SKS_IMAGE="sks-rig:$project"
    SKS_REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    export SKS_REVISION
    case $scenario in
        attacked) overlay=docker/compose.attack.yaml ;;
        faults) overlay=docker/compose.chaos.yaml ;;
        conform) overlay=docker/compose.conform.yaml ;;
    esac
    compose up --exit-code-from driver driver # whose lines alone are shown
}

# ---- as processes, in namespaces or not ----

# at HOST COMMAND...: in the place of this shell
at()
{
    host=$1
    shift
    if [ -n "$hosts" ]; then
        exec ip netns exec "$prefix-$host" "$@"
    fi
    exec "$@"
}

# start NAME HOST COMMAND...: returns when it says that it is ready
start()
{
    name=$1 host=$2
    shift 2
    if [ "$scenario" = faults ] && [ "$name" != operator ] && [ "$name" != witness ]; then
        seed=$((${seed:-1} + 10))
        set -- sks-interop keep --seed "$seed" --from 200 --to 3000 --during "$folder/chaos/kill" \
            --tally "$folder/chaos/$name" -- "$@"
    fi
    (at "$host" "$@") >"$folder/$name.out" 2>"$folder/$name.err" &
    pid=$!
    pids="$pid $pids"
    tries=0
    until grep -qs "^ready" "$folder/$name.out"; do
        tries=$((tries + 1))
        if ! kill -0 "$pid" 2>/dev/null || [ $tries -gt 600 ]; then
            tail -n 3 "$folder/$name.err" >&2
            return 1
        fi
        sleep 0.1
    done
}

make_hosts()
{
    prefix=sks$$
    hosts="$prefix-issuer $prefix-proxy $prefix-token"
    for host in $hosts; do
        ip netns add "$host"
        ip -n "$host" link set lo up
    done
    ip link add name front0 netns "$prefix-issuer" type veth peer name front0 netns "$prefix-proxy"
    ip link add name back0 netns "$prefix-token" type veth peer name back0 netns "$prefix-proxy"
    ip -n "$prefix-issuer" address add 10.83.1.1/30 dev front0
    ip -n "$prefix-proxy" address add 10.83.1.2/30 dev front0
    ip -n "$prefix-proxy" address add 10.83.2.2/30 dev back0
    ip -n "$prefix-token" address add 10.83.2.1/30 dev back0
    for end in issuer:front0 proxy:front0 proxy:back0 token:back0; do
        ip -n "$prefix-${end%%:*}" link set dev "${end##*:}" up
    done
    ip netns exec "$prefix-proxy" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
}

# by sks-conform
is_tested()
{
    [ "$scenario" = drive ] || [ "$scenario" = conform ]
}

a_port()
{
    shuf -i 20000-32000 -n 1
}

start_all()
{
    watch="--attack-watch $folder/attack/rules.json"
    start token token sks-token serve --init --store "$folder/token" --master-key \
        "$folder/keys/token-master.key" --publish-ca "$folder/trust/device-ca.pem" \
        --simulate biometrics,device-pin --listen "$token" --listen-any \
        --host "${token%%:*}" || return
    start issuer issuer sks-issuer serve --data "$folder/issuer" --https "$issuer" --tls-name \
        "${issuer%%:*}" --public-url "https://$gateway" --profiles issuer/profiles --trust \
        "$folder/trust" --trust "$folder/operator-trust" --seen-certificate \
        "$folder/keys/gateway-tls.pem" --ca-key "$folder/keys/issuer-ca.key" --ca-cert \
        "$folder/keys/issuer-ca.pem" --stop-seconds 1 --max-address-sessions 10000 \
        --max-address-requests 10000 || return
    start operator issuer sks-interop operator --desk "$folder/desk-operator" --data \
        "$folder/issuer" --publish "$folder/public/issuer-tls.pem" --issuer "$pid" --trust \
        "$folder/operator-trust" || return
    # shellcheck disable=SC2086
    start gateway proxy sks-proxy relay --listen "$gateway" --listen-any --to "https://$issuer" \
        --ca "$folder/public/issuer-tls.pem" --tls-certificate "$folder/keys/gateway-tls.pem" \
        --tls-key "$folder/keys/gateway-tls.key" $watch || return
    # shellcheck disable=SC2086
    start proxy proxy sks-proxy relay --listen "$proxy" --listen-any --to "http://$token" $watch ||
        return
    ! is_tested || start tester proxy sks-interop tester --desk "$folder/desk-tester" --token \
        "http://$token" --reports "$folder/reports" || return
    [ -z "$hosts" ] || start witness token sks-interop witness --desk "$folder/desk-witness"
}

# drive [token|issuer [CASE...]]
drive()
{
    case $scenario in
        conform) set -- conform "$@" ;;
        attacked) set -- attacked "$attack" ;;
        faults) set -- faults --folder "$folder/chaos" --count "${SKS_ENROLMENTS:-100}" ;;
        drive)
            if [ -n "$hosts" ]; then
                set -- drive --witness "$folder/desk-witness" --issuer-host "${issuer%%:*}" \
                    --issuer-port "${issuer##*:}" --token-port "${token##*:}" \
                    --token-host "${token%%:*}"
            else
                set -- drive --together
            fi ;;
    esac
    set -- "$@" --issuer "https://$gateway" --token "http://$proxy" \
        --ca "$folder/keys/gateway-tls.pem" --state "$folder/driver" \
        --operator "$folder/desk-operator"
    [ "$scenario" = faults ] || set -- "$@" --attack-file "$folder/attack/rules.json"
    ! is_tested || set -- "$@" --tester "$folder/desk-tester" --device "$folder/device" \
        --reports "$folder/reports" --again "docker/interop.sh --by $how"
    (at proxy sks-interop "$@")
}

prepare_processes()
{
    build=${SKS_BUILD:-build}
    if [ -z "${SKS_BUILD:-}" ]; then
        tools/setup.sh
        ${MAKE:-make} --no-print-directory all
    fi
    PATH=$(cd "$build" && pwd):$PATH
    export PATH
    docker/keys.sh "$folder/keys" 10.83.1.2
    for sub in attack chaos desk-operator desk-tester desk-witness driver operator-trust public \
        reports trust; do
        mkdir -m 700 "$folder/$sub"
    done
}

# by_namespaces WHY [token|issuer [CASE...]]
by_namespaces()
{
    echo "interop: on three hosts that are network namespaces$1"
    shift
    how=namespaces
    prepare_processes
    make_hosts
    issuer=10.83.1.1:8443 gateway=10.83.1.2:8443 proxy=10.83.1.2:8780 token=10.83.2.1:8765
    start_all
    drive "$@"
}

# by_processes WHY [token|issuer [CASE...]]
by_processes()
{
    echo "interop: as processes of one host, so nothing keeps the ends apart$1"
    shift
    how=processes
    prepare_processes
    started=
    for _ in 1 2 3 4 5; do # somebody else may have one of the ports
        issuer=127.0.0.1:$(a_port) gateway=127.0.0.1:$(a_port)
        proxy=127.0.0.1:$(a_port) token=127.0.0.1:$(a_port)
        if start_all; then
            started=yes
            break
        fi
        for pid in $pids; do kill "$pid" 2>/dev/null || true; done
        for pid in $pids; do wait "$pid" 2>/dev/null || true; done
        pids=
        rm -rf "$folder/issuer" "$folder/token"
    done
    [ -n "$started" ] || { echo "interop: the programs do not start" >&2; exit 3; }
    drive "$@"
}

namespaces_work()
{
    [ "$(id -u)" = 0 ] && command -v ip >/dev/null && ip netns add "sks$$-try" 2>/dev/null &&
        ip netns delete "sks$$-try"
}

case $by in
    compose) docker/base-image.sh && by_compose "$@" ;;
    namespaces) by_namespaces "" "$@" ;;
    processes) by_processes "" "$@" ;;
    "")
        why="no docker engine answers"
        if engine_answers; then
            why="there is no base image for the containers"
            if docker/base-image.sh; then
                by_compose "$@"
                exit
            fi
        fi
        if namespaces_work; then
            by_namespaces ": $why" "$@"
        else
            by_processes ": $why, and namespaces want root" "$@"
        fi ;;
    *) echo "interop: --by compose, namespaces or processes" >&2; exit 2 ;;
esac
