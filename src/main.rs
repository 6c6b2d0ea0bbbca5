//! The `mrrc-arrow` command as a cargo binary.

use std::process::ExitCode;

// As in the extension module, which sets it for itself.
#[cfg(all(target_os = "linux", not(feature = "python"), not(mrrc_arrow_system_allocator)))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    ExitCode::from(mrrc_arrow::cli::run(std::env::args_os()))
}
