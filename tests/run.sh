#!/bin/sh
# Runs the tests that were built: unit programs, plain programs, fuzz targets over their corpora,
# a short crash sweep, integration.
#   tests/run.sh [unit|plain|corpus|crash|integration]...
set -u

build=${SKS_BUILD:-build}
python=${PYTHON:-/usr/bin/python3}
passed=0
failed=0
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 suppressions=tests/tsan.supp}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"

run_one() { # name, command...
    title=$1
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %-30s %s\n' "$title" \
            "$(sed -n 's/.*Tested: \([0-9]*\).*/\1 tests/p; s/^OK: //p' "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$title"
        tail -n 60 "$log"
    fi
}

run_unit() {
    for source in tests/unit/*/test_*.c; do
        name=${source#tests/unit/}
        run_one "${name%.c}" "$build/unit/${name%.c}" --color=never
    done
}

# Under SAN=1 these are the leak checks; the ThreadSanitizer's build of them lies in build/tsan.
run_plain() {
    for source in tests/plain/*.c; do
        name=$(basename "$source" .c)
        run_one "plain/$name" "$build/plain/$name"
        if [ "$build" = build ] && [ -x "build/tsan/plain/$name" ]; then
            run_one "plain/$name (threads)" "build/tsan/plain/$name"
        fi
    done
}

run_corpus() {
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        run_one "corpus/${name#fuzz_}" "$build/fuzz/$name" "tests/fuzz/corpus/${name#fuzz_}"
    done
}

# A sample of `make crash-sweep`.
run_crash() {
    run_one "crash/sweep" "$python" -B tests/crash/sweep.py --short
}

run_integration() {
    if "$python" tests/integration/run.py; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ $# -gt 0 ] || set -- unit plain corpus crash integration
for part in "$@"; do
    "run_$part"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
