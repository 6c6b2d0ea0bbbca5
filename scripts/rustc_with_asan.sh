#!/bin/sh
# The compiler for our own crates, as RUSTC_WORKSPACE_WRAPPER has it: with AddressSanitizer, a nightly feature, which the variable
# lets stable have. What others wrote is compiled as always, and is shared with other builds.
RUSTC_BOOTSTRAP=1 exec "$@" -Zsanitizer=address --cfg mrrc_arrow_system_allocator
