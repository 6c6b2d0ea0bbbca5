//! The `mrrc-arrow` command as a cargo binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mrrc_arrow::cli::run(std::env::args_os()))
}
