//! Every kind of source gives the same bytes, says what it is, and fails in time and by name.

use std::io;

use proptest::prelude::*;

use super::compression::tests::member;
use super::*;

const TEXT: &[u8] = b"bytes that are no record, which is no matter here";

/// Gives pieces of these sizes, over and over, and a little more than it was asked for if it is told to.
struct Pieces {
    content: Vec<u8>,
    sizes: Vec<usize>,
    calls: usize,
    excess: usize,
}

impl ReadChunk for Pieces {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        self.calls += 1;
        let size = self.sizes[self.calls % self.sizes.len()].min(want) + self.excess;
        let rest = self.content.split_off(size.min(self.content.len()));
        buffer.extend_from_slice(&self.content);
        Ok(std::mem::replace(&mut self.content, rest).len())
    }

    fn most(&self) -> usize {
        1234
    }
}

fn pieces(content: &[u8], sizes: &[usize], excess: usize) -> Source {
    Source::stream(None, Box::new(Pieces { content: content.to_vec(), sizes: sizes.to_vec(), calls: 0, excess }))
}

/// All bytes of an opened source, and the name of the way they came.
fn read(input: Input) -> (io::Result<Vec<u8>>, &'static str) {
    let mut out = Vec::new();
    let (result, way) = match input {
        Input::Memory(bytes) => return (Ok(bytes.to_vec()), "memory"),
        Input::Stream(mut stream) => (stream.read_to_end(&mut out), "stream"),
        #[cfg(unix)]
        Input::File(mut file) => (file.read(&mut out, 1 << 20), "file"),
        Input::Part(mut file, _) => (file.read_to_end(&mut out), "part"),
        Input::Packed(mut stream) => (stream.read_to_end(&mut out), "packed"),
        Input::Chunks(mut stream) => {
            assert_eq!(stream.most(), 1234, "what the stream itself says");
            let ended = loop {
                let before = out.len();
                let want = 1 + before % 7;
                match stream.read_chunk(&mut out, want) {
                    Ok(count) => assert!(count == out.len() - before && count <= want),
                    error => break error,
                }
                if out.len() == before {
                    break Ok(0);
                }
            };
            (ended, "chunks")
        }
    };
    (result.map(|_| out), way)
}

fn code_of(error: &Error) -> (ErrorKind, Option<io::ErrorKind>) {
    (error.kind(), error.io().map(io::Error::kind))
}

#[test]
fn the_backend_and_the_way_follow_from_the_kind_of_input_and_its_compression() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        Source::path(folder.path().join(name))
    };
    let packed = member(TEXT);
    for (source, backend, expected) in [
        (Source::memory(TEXT), "CursorBackend", "memory"),
        (Source::memory(packed.clone()), "CursorBackend", "packed"),
        (path("plain", TEXT), "RustFile", if cfg!(unix) { "file" } else { "stream" }),
        (path("packed", &packed), "RustFile", "packed"),
        (pieces(TEXT, &[3], 0), "PythonFile", "chunks"),
        (pieces(&packed, &[3], 0), "PythonFile", "packed"),
    ] {
        assert_eq!(source.backend().as_str(), backend);
        let (bytes, way) = read(source.open().unwrap());
        assert_eq!((bytes.unwrap(), way), (TEXT.to_vec(), expected), "{source:?}");
    }
    // Of a file that has fewer bytes than tell a compression, they are not lost.
    for length in 0..3 {
        for source in [path("short", &packed[..length]), pieces(&packed[..length], &[1], 0)] {
            assert_eq!(read(source.open().unwrap()).0.unwrap(), packed[..length], "{source:?}");
        }
    }
}

#[test]
fn what_is_known_of_a_source_is_told_without_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mrc");
    std::fs::write(&path, TEXT).unwrap();
    let (file, memory, stream) = (Source::path(&path), Source::memory(TEXT), pieces(TEXT, &[9], 0));
    assert_eq!([&file, &memory, &stream].map(Source::size), [Some(TEXT.len() as u64), Some(TEXT.len() as u64), None]);
    assert_eq!(Source::path(folder.path()).size(), None, "a folder has no bytes to read");
    assert_eq!(file.name().map(|name| &**name), path.to_str());
    assert_eq!((memory.name(), stream.name()), (None, None));
    assert!(format!("{file:?}").contains("a.mrc"));
    assert!(format!("{memory:?}").contains(&format!("{} bytes", TEXT.len())));
    assert!(format!("{stream:?}").contains("a stream"));
    assert_eq!(read(stream.open().unwrap()).0.unwrap(), TEXT);
}

#[test]
fn what_cannot_be_opened_fails_early_and_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Source::path(folder.path().join("none.mrc"));
    for error in [missing.check().unwrap_err(), missing.open().err().unwrap()] {
        assert_eq!(code_of(&error), (ErrorKind::Io, Some(io::ErrorKind::NotFound)));
        assert!(error.source_name().unwrap().ends_with("none.mrc"));
        assert!(error.to_string().contains("cannot open"), "{error}");
    }
    let directory = Source::path(folder.path());
    assert_eq!(code_of(&directory.check().unwrap_err()), (ErrorKind::Io, Some(io::ErrorKind::IsADirectory)));
    let error = directory.open().err().unwrap();
    assert_eq!(code_of(&error).0, ErrorKind::Io);
    assert!(error.to_string().contains("cannot read"), "{error}");
    let odd = Source::path("a\0b.mrc");
    for error in [odd.check().unwrap_err(), odd.open().err().unwrap()] {
        assert_eq!(code_of(&error), (ErrorKind::InvalidOption, None));
        assert!(error.message().contains("null byte"), "{error}");
    }
    assert!(Source::memory(TEXT).check().is_ok());
    assert!(Source::path("/dev/null").check().is_ok());
}

#[test]
fn a_stream_is_read_once_also_by_a_clone() {
    let stream = Source::stream(
        Some("a socket"),
        Box::new(Pieces { content: TEXT.to_vec(), sizes: vec![9], calls: 0, excess: 0 }),
    );
    let clone = stream.clone();
    assert!(stream.check().is_ok() && clone.check().is_ok());
    assert_eq!(read(clone.open().unwrap()).0.unwrap(), TEXT);
    for error in [stream.check().unwrap_err(), stream.open().err().unwrap()] {
        assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidOption, "already_read"));
        assert_eq!(error.source_name(), Some("a socket"));
    }
    // What is in memory or in a file is read as often as one likes.
    let memory = Source::memory(TEXT);
    assert_eq!(read(memory.open().unwrap()).0.unwrap(), read(memory.open().unwrap()).0.unwrap());
}

#[test]
fn a_pattern_stands_for_files_in_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.mrc", "a.mrc", "a[1].mrc", "c.txt"] {
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    std::fs::create_dir(folder.path().join("folder.mrc")).unwrap();
    let names = |pattern: &str| -> Result<Vec<String>, Error> {
        let found = Source::glob(folder.path().join(pattern).to_str().unwrap())?;
        Ok(found
            .iter()
            .map(|source| Path::new(&**source.name().unwrap()).file_name().unwrap().to_str().unwrap().to_owned())
            .collect())
    };
    assert_eq!(names("*.mrc").unwrap(), ["a.mrc", "a[1].mrc", "b.mrc"]);
    assert_eq!(names("?.mrc").unwrap(), ["a.mrc", "b.mrc"]);
    assert_eq!(names("[bc].*").unwrap(), ["b.mrc", "c.txt"]);
    // A name that is there as it stands is no pattern; and what is no pattern need not be there yet.
    assert_eq!(names("a[1].mrc").unwrap(), ["a[1].mrc"]);
    assert_eq!(names("none.mrc").unwrap(), ["none.mrc"]);
    let error = names("*.none").unwrap_err();
    assert_eq!(code_of(&error), (ErrorKind::Io, Some(io::ErrorKind::NotFound)));
    assert!(error.source_name().unwrap().ends_with("*.none"));
    for bad in ["***", "a[.mrc"] {
        let error = names(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOption, "{error}");
        assert!(error.message().contains("bad glob pattern"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_is_known_by_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let [path, linked, hard, other] = ["a.mrc", "link.mrc", "hard.mrc", "b.mrc"].map(|name| folder.path().join(name));
    std::fs::write(&path, TEXT).unwrap();
    std::fs::write(&other, TEXT).unwrap();
    std::os::unix::fs::symlink(&path, &linked).unwrap();
    std::fs::hard_link(&path, &hard).unwrap();
    let opened =
        Source::stream(path.to_str(), Box::new(Pieces { content: Vec::new(), sizes: vec![1], calls: 0, excess: 0 }));
    for source in [Source::path(&path), Source::path(&linked), opened] {
        for same in [&path, &linked, &hard] {
            assert!(source.is_file(same), "{source:?} {same:?}");
        }
        for another in [&other, &folder.path().join("none"), &folder.path().to_path_buf()] {
            assert!(!source.is_file(another), "{source:?} {another:?}");
        }
    }
    for nameless in [Source::memory(TEXT), pieces(TEXT, &[1], 0), Source::path(folder.path().join("none"))] {
        assert!(!nameless.is_file(&path), "{nameless:?}");
    }
    // A folder is not read, nor written to.
    assert!(!Source::path(folder.path()).is_file(folder.path()));
}

#[test]
fn the_error_for_text_in_memory_says_how_to_read_a_file() {
    let memory = Source::memory(TEXT);
    assert!(memory.unsupported("plain text").message().contains("pass its path"));
    assert!(!memory.unsupported("XML").message().contains("pass its path"));
    let error = Source::path("a.xml").unsupported("plain text");
    assert_eq!(
        (error.kind(), error.code(), error.source_name()),
        (ErrorKind::UnsupportedFormat, "unsupported_format", Some("a.xml"))
    );
    assert!(!error.message().contains("pass its path"));
}

#[test]
fn a_stream_that_gives_more_than_it_was_asked_for_is_an_error_where_that_cannot_be_kept() {
    let words: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let source = pieces(&member(&words), &[HEAD], 1);
    let error = read(source.open().unwrap()).0.unwrap_err();
    assert!(error.to_string().contains("more than it was asked for"), "{error}");
}

#[test]
fn a_beginning_that_was_as_much_as_was_asked_for_is_not_all_there_is() {
    for (length, expected) in [(HEAD + 60_000, HEAD + 50_000), (HEAD, HEAD), (HEAD - 1, HEAD - 1)] {
        let words: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let Ok(Input::Chunks(mut stream)) = pieces(&words, &[usize::MAX], 0).open() else { panic!("no chunks") };
        let mut read = Vec::new();
        assert_eq!(stream.read_chunk(&mut read, HEAD + 50_000).unwrap(), expected);
        assert_eq!(read, words[..expected]);
    }
}

proptest! {
    #[test]
    fn pieces_of_any_size_make_the_same_bytes(
        sizes in prop::collection::vec(1..60usize, 1..6),
        length in 0..TEXT.len(),
        how in 0..4usize,
    ) {
        let text = &TEXT[..length];
        let packed = match how {
            0 => text.to_vec(),
            1 => member(text),
            2 => zstd::encode_all(text, 1).unwrap(),
            _ => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                io::Write::write_all(&mut encoder, text).unwrap();
                encoder.finish().unwrap()
            }
        };
        let (bytes, way) = read(pieces(&packed, &sizes, 0).open().unwrap());
        prop_assert_eq!((bytes.unwrap(), way), (text.to_vec(), if how == 0 { "chunks" } else { "packed" }));
    }
}
