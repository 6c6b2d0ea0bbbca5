//! The rooms of `src/` are those in `docs/architecture.md`, and none uses one that stands below it there; `unsafe` code is
//! where `docs/memory-safety.md` says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
fn text(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rooms of the page, in order: what stands in backquotes in the first column of its table.
fn rooms() -> Vec<String> {
    let page = text("docs/architecture.md");
    let table = page.split("| room | what it is for |").nth(1).unwrap().split("\n\n").next().unwrap();
    let first_columns = table.lines().filter_map(|row| row.split('|').nth(1));
    first_columns
        .flat_map(|column| column.split('`').skip(1).step_by(2))
        .map(|room| room.trim_end_matches('/').to_owned())
        .collect()
}

/// Files of Rust in a folder and below.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file without comments, and without its tests, which may use what they like.
fn code(path: &Path) -> String {
    let whole = text(path);
    let tests = whole.find("#[cfg(test)]\nmod tests {").unwrap_or(whole.len());
    whole[..tests].lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// What stands after each `crate::`: one name, or those at the top of a list in braces.
fn used(code: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.push(name(after));
            continue;
        };
        let mut depth = 1;
        let top: String = list
            .chars()
            .map_while(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                (depth > 0).then_some(if depth == 1 && c != '}' { c } else { ' ' })
            })
            .collect();
        found.extend(top.split(',').map(name).filter(|name| !name.is_empty()));
    }
    found
}

/// Names that `lib.rs` takes out of rooms, with the room of each.
fn taken_out(lib: &str) -> Vec<(String, String)> {
    let statements = lib.split(";\n").filter_map(|statement| statement.trim_start().strip_prefix("pub use "));
    let mut found = Vec::new();
    for (room, names) in statements.filter_map(|statement| statement.split_once("::")) {
        let names = names.trim_matches(['{', '}']).split(',');
        found.extend(names.map(|name| (name.trim().to_owned(), room.to_owned())));
    }
    found
}

#[test]
fn rooms_are_those_of_the_page() {
    let lib = text("src/lib.rs");
    let modules =
        lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let mut modules: Vec<_> = modules.map(str::to_owned).collect();
    let mut rooms = rooms();
    modules.sort();
    rooms.sort();
    assert_eq!(rooms, modules);
}

#[test]
fn no_room_uses_one_below_it() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|known| known == room);
    let taken_out = taken_out(&text("src/lib.rs"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked_at = 0;
    for path in sources(&folder) {
        let within = path.strip_prefix(&folder).unwrap();
        let room = within.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        // The map, the command's few lines, and tests in files of their own.
        if ["lib", "main"].contains(&room)
            || within.components().any(|part| part.as_os_str() == "tests")
            || within.ends_with("tests.rs")
        {
            continue;
        }
        let own = place(room).unwrap_or_else(|| panic!("{} is in no room", within.display()));
        for name in used(&code(&path)) {
            let used = taken_out.iter().find(|(item, _)| *item == name).map_or(name.as_str(), |(_, room)| room);
            let theirs = place(used).unwrap_or_else(|| panic!("{}: crate::{name} is in no room", within.display()));
            assert!(theirs <= own, "{}: {room} uses {used}, which stands below it", within.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "only {looked_at} uses were found");
}

#[test]
fn unsafe_code_is_where_the_page_says() {
    let page = text("docs/memory-safety.md");
    let mut listed: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `src/")?.split('`').next()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<_> = sources(&folder)
        .into_iter()
        .filter(|path| text(path).contains("allow(unsafe_code)"))
        .map(|path| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned())
        .collect();
    listed.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, listed);
}
