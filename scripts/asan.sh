#!/bin/sh
# Runs cargo with AddressSanitizer for our own crates: asan.sh test --lib ...
#
# What others wrote is compiled as it always is, and taken over from target/debug where it is there: as links, for our own crates
# have files of the same names in both.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
to=$root/target/asan/debug
if [ ! -d "$to" ] && [ -d "$root/target/debug/deps" ]; then
    part=$to.part
    rm -rf "$part"
    mkdir -p "$part"
    # Where there are no links, all is compiled once more.
    if cp -al "$root/target/debug/deps" "$root/target/debug/build" "$root/target/debug/.fingerprint" "$part/"; then
        rm -rf "$part"/deps/*mrrc_arrow* "$part"/.fingerprint/mrrc_arrow*
        mv "$part" "$to"
    else
        rm -rf "$part"
    fi
fi
export CARGO_TARGET_DIR="$root/target/asan" CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER="$root/scripts/rustc_with_asan.sh"
export LSAN_OPTIONS="suppressions=$root/tests/memory/lsan.supp:print_suppressions=0"
exec cargo "$@"
