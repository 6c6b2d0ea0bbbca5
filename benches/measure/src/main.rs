//! What `benches/peers.py` runs of Rust, each in a process of its own: `measure WHAT FILE`.
//!
//! | what | |
//! | --- | --- |
//! | `read` | the file in 1 MiB pieces, into one buffer |
//! | `floor` | the least that any parser must do: read, walk the directory, find every `0x1F`, validate UTF-8; nothing is built |
//! | `stream` | our batches of the `records` layout, none kept |
//! | `retain` | the same, all kept |
//! | `fresh` | memory of one and a half times the file, of which each page is touched, and nothing else |
//! | `profile` | our profile of what is in the file |
//! | `count` | what `mrrc-arrow count` does |
//! | `inflate` | a gzip file through the decompressor that we use, in 1 MiB pieces |
//! | `mrrc` | iterating over the records of mrrc's Rust reader |
//!
//! `MRRC_ARROW_BATCH_SIZE` is the batch size of `stream` and `retain` where the default is not meant, `MRRC_ARROW_COLUMNS` their
//! columns, each a line `NAME=SPEC`, and `MRRC_ARROW_LAYOUT` says `subfields` where that layout is meant. Threads are told to our
//! pool by `RAYON_NUM_THREADS`, and to the system by `taskset`. It says `ready`, waits for a line and then prints seconds,
//! records and the peak of its memory as JSON.

mod floor;

use std::fs::File;
use std::io::{BufRead, Read};
use std::time::Instant;

use mrrc_arrow::{Inspection, Layout, ReadOptions, Source, read};

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Outcome = Result<u64, Box<dyn std::error::Error>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("measure WHAT FILE".into());
    };
    let work: fn(&str) -> Outcome = match what.as_str() {
        "read" => read_loop,
        "floor" => floor::floor,
        "stream" => stream,
        "retain" => retain,
        "fresh" => fresh,
        "profile" => profile,
        "count" => count,
        "inflate" => inflate,
        "mrrc" => mrrc_iterate,
        _ => return Err(format!("{what}: nothing that can be measured").into()),
    };
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new())?;
    let start = Instant::now();
    let records = work(&path)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{{\"seconds\": {seconds}, \"records\": {records}, \"counted\": {records}, \"peak_mb\": {}}}", peak_mb());
    Ok(())
}

/// The most memory that this process held, in 10^6 bytes.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kib| kib * 1024.0 / 1e6)
}

fn read_loop(path: &str) -> Outcome {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(0)
}

fn inflate(path: &str) -> Outcome {
    let file = std::io::BufReader::with_capacity(256 << 10, File::open(path)?);
    let mut decoder = flate2::bufread::MultiGzDecoder::new(file);
    let mut buffer = vec![0; 1 << 20];
    while decoder.read(&mut buffer)? > 0 {}
    Ok(0)
}

fn options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.batch_size = std::env::var("MRRC_ARROW_BATCH_SIZE").ok().and_then(|size| size.parse().ok());
    if std::env::var("MRRC_ARROW_LAYOUT").is_ok_and(|layout| layout == "subfields") {
        options.layout = Layout::Subfields;
    }
    options.columns = std::env::var("MRRC_ARROW_COLUMNS").ok().map(|columns| {
        let named = columns.lines().filter_map(|line| line.split_once('='));
        named.filter_map(|(name, spec)| Some((name.to_owned(), spec.parse().ok()?))).collect()
    });
    options
}

fn stream(path: &str) -> Outcome {
    let mut rows = 0;
    for batch in read(vec![Source::path(path)], options())? {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

fn profile(path: &str) -> Outcome {
    Ok(mrrc_arrow::profile(vec![Source::path(path)], &options())?.records())
}

fn retain(path: &str) -> Outcome {
    let mut options = options();
    options.retain = true;
    let batches = read(vec![Source::path(path)], options)?.collect::<Result<Vec<_>, _>>()?;
    Ok(batches.iter().map(|batch| batch.num_rows() as u64).sum())
}

/// A table of a large catalogue takes as much; it asks for pages many at a time, as here nobody does.
fn fresh(path: &str) -> Outcome {
    const PAGE: usize = 4096;
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok()).unwrap_or(0).max(1);
    let share = usize::try_from(std::fs::metadata(path)?.len())? * 3 / 2 / threads;
    let touch = || {
        let mut room = Vec::<u8>::with_capacity(share);
        for page in room.spare_capacity_mut().chunks_mut(PAGE) {
            if let Some(byte) = page.first_mut() {
                byte.write(1);
            }
        }
        room
    };
    // All of it is kept until the last is there.
    let rooms = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(touch)).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
    });
    std::hint::black_box(rooms.map_err(|_| "no memory")?);
    Ok(0)
}

fn count(path: &str) -> Outcome {
    let mut inspection = Inspection::count(vec![Source::path(path)], &ReadOptions::default())?;
    while inspection.poll(std::time::Duration::from_millis(50))?.is_some() {}
    Ok(inspection.rows())
}

fn mrrc_iterate(path: &str) -> Outcome {
    let mut reader = mrrc::MarcReader::from_path(path)?;
    let mut records = 0;
    while reader.read_record()?.is_some() {
        records += 1;
    }
    Ok(records)
}
