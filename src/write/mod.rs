//! From record batches to files. What is written appears under its name only when it is whole.

mod atomic;
pub mod marc;
mod output;
pub mod parquet;
pub mod table;

pub use output::{Compression, Output};

/// `text` as JSON has it.
pub(crate) fn json_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\0'..' ' | '\u{7F}'..='\u{9F}' => quoted.extend(format!("\\u{:04x}", char as u32).chars()),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
