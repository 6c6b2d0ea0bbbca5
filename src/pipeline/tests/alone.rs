//! Who asks for blocks reads and builds them, one when asked, where there is one core.

use super::*;
use crate::pool::Pool;

fn alone<B: Build>(input: Input, build: B) -> Pipeline<B::Output> {
    Pipeline::alone(Feed::new(input), build)
}

/// With a source that is no MARC before, as one reject.
fn with_foreign(foreign: Source, also: Source) -> Input {
    Input { ignore_foreign: true, ..input_of(vec![foreign, also]) }
}

const TEXT: &[u8] = b"just some text, and no MARC in it\n";

#[test]
fn one_core_is_for_one_where_nothing_is_waited_for_and_blocks_are_small() {
    let suits = |source: Source, bytes: usize| {
        let input = Input { size: BlockSize { records: 1, bytes }, ..input_of(vec![source]) };
        suits_one(&Feed::new(input), &Does(|_| ()))
    };
    assert!(suits(Source::memory(RECORD), MOST_ALONE));
    assert!(!suits(Source::memory(RECORD), MOST_ALONE + 1), "what takes long can be interrupted");
    assert!(!suits(Source::memory(gzip(RECORD)), 1), "what is decompressed is read ahead");
    assert!(!suits(Source::stream(None, Box::new(Records(1, Arc::default()))), 1), "streams wait");
    assert!(!suits_one(&Feed::new(input(1)), &Counts { bad: 0, enough: 0 }), "what is cheap is handed over at once");
}

#[test]
fn the_pool_has_no_part_in_it() {
    let name = || std::thread::current().name().map(str::to_owned);
    let names = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&names);
    all(alone(input(20), Does(move |_| seen.lock().unwrap().push(name()))));
    assert_eq!(*names.lock().unwrap(), vec![name(); 20]);
}

#[test]
fn the_pool_tells_where_there_is_one_core() {
    let large = || Input { size: BlockSize { records: 1, bytes: MOST_ALONE + 1 }, ..input(1) };
    for (shares_a_core, input, is_alone) in [(true, input(1), true), (true, large(), false), (false, input(1), false)] {
        let pool = Pool::of_one(shares_a_core);
        let pipeline = Pipeline::start_beside(pool, Feed::new(input), Does(|_| ()), None).unwrap();
        assert_eq!(matches!(pipeline.origin, Origin::Alone(..)), is_alone);
        assert_eq!(all(pipeline), [0]);
    }
}

#[test]
fn who_is_alone_reads_and_builds_when_asked_and_ends_at_an_error() {
    let start = |done: &Arc<AtomicUsize>| {
        let done = Arc::clone(done);
        let build = Does(move |record| {
            done.fetch_add(1, Ordering::SeqCst);
            assert!(record != 250, "a bad block");
        });
        alone(input(300), build)
    };
    let done = Arc::default();
    let mut pipeline = start(&done);
    for number in 0..250 {
        assert!(matches!(pipeline.next(Some(Instant::now())), Wait::Pending));
        assert_eq!(done.load(Ordering::SeqCst) as u64, number);
        assert_eq!(wait(&mut pipeline).unwrap().unwrap(), number);
        assert_eq!(pipeline.bytes_read(), (number + 1) * RECORD.len() as u64);
    }
    let error = wait(&mut pipeline).unwrap().unwrap_err();
    assert_eq!((error.record(), error.offset()), (Some(250), Some(250 * RECORD.len() as u64)));
    assert!(wait(&mut pipeline).is_none());
    // Whoever never has time gets all of it, too.
    let mut pipeline = start(&Arc::default());
    for number in 0..50 {
        assert!(matches!(pipeline.next(Some(Instant::now())), Wait::Pending));
        assert!(
            matches!(pipeline.next(Some(Instant::now())), Wait::Ready(Some(Ok(found))) if found == number),
            "{number}"
        );
    }
    for taken in 0..3 {
        let mut pipeline = start(&Arc::default());
        (0..taken).for_each(|number| assert_eq!(wait(&mut pipeline).unwrap().unwrap(), number));
    }
}

#[test]
fn who_is_alone_says_so_in_a_forked_child() {
    let mut pipeline = alone(input(5), Does(|_| ()));
    wait(&mut pipeline).unwrap().unwrap();
    pipeline.process = pipeline.process.wrapping_add(1);
    let error = wait(&mut pipeline).unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Forked, "forked"));
    assert!(wait(&mut pipeline).is_none());
}

#[test]
fn a_source_that_is_not_there_is_an_error_after_those_before_it() {
    let sources = vec![Source::memory(RECORD.repeat(3)), Source::path("/nowhere/at/all.mrc"), Source::memory(RECORD)];
    let mut pipeline = alone(input_of(sources), Does(|_| ()));
    for number in 0..3 {
        assert_eq!(wait(&mut pipeline).unwrap().unwrap(), number);
    }
    let error = wait(&mut pipeline).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("/nowhere/at/all.mrc"), "{error}");
    assert!(wait(&mut pipeline).is_none());
}

#[test]
fn a_foreign_source_is_a_reject_and_has_a_number() {
    let input = with_foreign(Source::memory(TEXT), Source::memory(RECORD));
    assert_eq!(all(alone(input, Does(|_| ()))), [u64::MAX, 1]);
}

#[test]
fn a_foreign_source_that_takes_longer_than_there_is_time_is_left_and_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.txt");
    let mut file = std::fs::File::create(&path).unwrap();
    io::Write::write_all(&mut file, TEXT).unwrap();
    // Zeros, which take no space and some hundredths of a second.
    file.set_len(256 << 20).unwrap();
    let mut pipeline = alone(with_foreign(Source::path(path), Source::memory(RECORD)), Does(|_| ()));
    let mut found = Vec::new();
    let mut without = 0_u32;
    loop {
        match pipeline.next(Some(Instant::now())) {
            Wait::Pending => without += 1,
            Wait::Ready(Some(result)) => found.push(result.unwrap()),
            Wait::Ready(None) => break,
        }
        assert!(without < 20_000, "it is begun anew each time");
    }
    assert_eq!(found, [u64::MAX, 1]);
    assert!(without >= 2, "{without}");
}
