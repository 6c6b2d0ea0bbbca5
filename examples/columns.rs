//! First steps: a file as record batches, with columns that are named by `MARCspec`s.
//!
//! ```console
//! $ cargo run --example columns -- tests/data/sample.mrc
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use arrow_array::cast::AsArray;
use mrrc_arrow::{Column, ReadOptions, Source, read};

/// How many records there are in each language, and the title of the first in each.
///
/// # Errors
///
/// A file that cannot be read, or the first record in it that cannot.
pub fn languages(path: &Path) -> Result<BTreeMap<String, (usize, String)>, Box<dyn Error>> {
    // A row for each record. A bare spec is its first value, and null where there is none.
    let specs = [("language", "008/35-37"), ("title", r#"join(245$a$b, " ")"#)];
    let mut options = ReadOptions::default();
    options.columns = Some(
        specs
            .into_iter()
            .map(|(name, spec)| Ok((name.to_owned(), spec.parse::<Column>()?)))
            .collect::<Result<_, mrrc_arrow::Error>>()?,
    );

    let mut found = BTreeMap::new();
    // Batches come in the order of the file, while those after them are read and parsed on all cores.
    for batch in read(vec![Source::path(path)], options)? {
        let batch = batch?;
        let [languages, titles] = batch.columns() else { return Err("two columns were asked for".into()) };
        // By default text is in string views; that of columns is copied, so that they do not keep the file.
        let (languages, titles) = (languages.as_string_view(), titles.as_string_view());
        for (language, title) in languages.iter().zip(titles) {
            let of_language = found.entry(language.unwrap_or("?").to_owned());
            of_language.or_insert_with(|| (0, title.unwrap_or_default().to_owned())).0 += 1;
        }
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: columns FILE")?;
    for (language, (records, title)) in languages(Path::new(&path))? {
        println!("{language} {records:>6}  {title}");
    }
    Ok(())
}
