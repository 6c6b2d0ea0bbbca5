//! The pipeline with builders that do what builders of tables never do: wait, panic, and tell on each other.

mod alone;
mod ends;

use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use super::producer::GATHER;
use super::*;
use crate::iso2709::blocks::BlockSize;
use crate::source::{ReadChunk, Source};

const RECORD: &[u8] = b"00038nam a2200037 a 4500001000100000\x1eX\x1d";

/// `count` records, each a block of its own.
fn input(count: usize) -> Input {
    input_of(vec![Source::memory(RECORD.repeat(count))])
}

/// The same, read by the pool's threads, and compressed, by a thread of its own.
fn inputs(count: usize) -> [Input; 2] {
    [input(count), input_of(vec![Source::memory(gzip(&RECORD.repeat(count)))])]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut packed, bytes).unwrap();
    packed.finish().unwrap()
}

fn input_of(sources: Vec<Source>) -> Input {
    let size = BlockSize { records: 1, bytes: 1 << 20 };
    Input { sources, size, ignore_foreign: false, keep_foreign: 0 }
}

/// What is done to a block, by its first record's number, which is what comes out.
struct Does<F>(F);

impl<F: Fn(u64) + Send + Sync + 'static> Build for Does<F> {
    type Output = u64;

    fn block(&self, block: Block) -> Result<u64, Error> {
        (self.0)(block.first_record);
        Ok(block.first_record)
    }

    fn foreign(&self, _: Problem) -> u64 {
        u64::MAX
    }
}

/// Starts reading on the pool, also where whoever asks would read alone.
fn on_the_pool<B: Build>(input: Input, build: B, ahead: Option<usize>) -> Result<Pipeline<B::Output>, Error> {
    Pipeline::on(Pool::get()?, Feed::new(input), build, ahead)
}

fn wait<T: Send + 'static>(pipeline: &mut Pipeline<T>) -> Option<Result<T, Error>> {
    match pipeline.next(None) {
        Wait::Ready(result) => result,
        Wait::Pending => panic!("a wait without a deadline is for good"),
    }
}

fn all<T: Send + 'static>(mut pipeline: Pipeline<T>) -> Vec<T> {
    std::iter::from_fn(|| wait(&mut pipeline)).map(Result::unwrap).collect()
}

/// A stream that gives a record at a time and counts how often it was asked.
struct Records(usize, Arc<AtomicUsize>);

impl ReadChunk for Records {
    fn read_chunk(&mut self, buffer: &mut Vec<u8>, _: usize) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        if self.0 == 0 {
            return Ok(0);
        }
        self.0 -= 1;
        buffer.extend_from_slice(RECORD);
        Ok(RECORD.len())
    }
}

#[test]
fn test_rayon_channel_backpressure() {
    let threads = Pool::get().unwrap().threads();
    for (ahead, input) in [1, 2, 5].into_iter().flat_map(|ahead| inputs(1000).map(|input| (ahead, input))) {
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let build = Does(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let mut pipeline = on_the_pool(input, build, Some(ahead)).unwrap();
        for taken in 1..=20 {
            wait(&mut pipeline).unwrap().unwrap();
            std::thread::sleep(Duration::from_millis(2));
            // In the channel, in the reader's hands, and in the consumer's.
            let (done, most) = (done.load(Ordering::SeqCst), taken + ahead + 1);
            assert!(done <= most, "{done} of {most} with {threads} threads");
        }
    }
}

#[test]
fn a_consumer_that_reads_itself_is_bounded_too() {
    let asked = Arc::new(AtomicUsize::new(0));
    let source = Source::stream(None, Box::new(Records(1000, Arc::clone(&asked))));
    let mut pipeline = on_the_pool(input_of(vec![source]), Does(|_| ()), Some(3)).unwrap();
    for taken in 1..=20 {
        wait(&mut pipeline).unwrap().unwrap();
        assert!(asked.load(Ordering::Relaxed) <= 10 + taken, "{}", asked.load(Ordering::Relaxed));
    }
}

#[test]
fn test_rayon_panic_propagation() {
    for (bad, input) in [0, 7, 99].into_iter().flat_map(|bad| inputs(100).map(|input| (bad, input))) {
        let build = Does(move |record| assert!(record != bad, "block {bad} is bad"));
        let mut pipeline = on_the_pool(input, build, None).unwrap();
        for good in 0..bad {
            assert_eq!(wait(&mut pipeline).unwrap().unwrap(), good);
        }
        let error = wait(&mut pipeline).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.record()), (ErrorKind::Internal, Some(bad)));
        assert_eq!(error.offset(), Some(bad * RECORD.len() as u64));
        assert!(error.to_string().contains(&format!("block {bad} is bad")), "{error}");
        for _ in 0..3 {
            assert!(wait(&mut pipeline).is_none(), "after an error it is at its end");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_an_error_behind_what_was_whole() {
    let packed = gzip(&(0..40_000).flat_map(|_| RECORD.to_vec()).collect::<Vec<_>>());
    let cut = packed[..packed.len() - 30].to_vec();
    let mut pipeline = on_the_pool(input_of(vec![Source::memory(cut)]), Does(|_| ()), None).unwrap();
    let mut records = 0;
    let error = loop {
        match wait(&mut pipeline).unwrap() {
            Ok(record) => assert_eq!(record, std::mem::replace(&mut records, record + 1)),
            Err(error) => break error,
        }
    };
    assert!(records > 10_000, "{records}");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(wait(&mut pipeline).is_none());
}

/// Bytes that tell when they are let go.
struct Owned(Vec<u8>, Sender<()>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

#[test]
fn a_source_is_let_go_at_the_end_and_when_nobody_wants_more() {
    for packed in [false, true] {
        for taken in [0, 1, 50, usize::MAX] {
            let (sender, released) = bounded(1);
            let records = RECORD.repeat(200);
            let owned = Owned(if packed { gzip(&records) } else { records }, sender);
            let source = Source::memory(bytes::Bytes::from_owner(owned));
            let mut pipeline = on_the_pool(input_of(vec![source]), Does(|_| ()), Some(3)).unwrap();
            for _ in 0..taken {
                if wait(&mut pipeline).is_none() {
                    break;
                }
            }
            // At the end there is no need to drop the pipeline.
            let pipeline = (taken == usize::MAX).then_some(pipeline);
            released.recv_timeout(Duration::from_secs(20)).unwrap();
            drop(pipeline);
        }
    }
}

#[test]
fn what_waits_for_somebody_is_not_read_by_the_pool() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    io::Write::write_all(&mut file, RECORD).unwrap();
    let mut packed = tempfile::NamedTempFile::new().unwrap();
    io::Write::write_all(&mut packed, &gzip(RECORD)).unwrap();
    let is_at_hand = |sources: &[Source]| Feed::new(input_of(sources.to_vec())).is_at_hand();
    let (memory, file) = (Source::memory(RECORD), Source::path(file.path()));
    assert!(is_at_hand(&[]));
    assert!(is_at_hand(&[memory.clone(), file.clone(), memory.clone()]));
    for other in [
        Source::memory(gzip(RECORD)),
        Source::path(packed.path()),
        Source::path("/dev/stdin"),
        Source::path("/nowhere/at/all.mrc"),
        Source::stream(None, Box::new(Records(1, Arc::default()))),
    ] {
        assert!(!is_at_hand(std::slice::from_ref(&other)), "{other:?}");
        assert!(!is_at_hand(&[file.clone(), other.clone()]), "{other:?}");
    }
}

#[test]
fn a_panic_of_the_stream_is_an_error_and_not_the_end() {
    struct Bad;
    impl io::Read for Bad {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("a bad stream")
        }
    }
    impl ReadChunk for Bad {
        fn read_chunk(&mut self, _: &mut Vec<u8>, _: usize) -> io::Result<usize> {
            panic!("a bad stream")
        }
    }
    let mut pipeline = on_the_pool(input_of(vec![Source::stream(None, Box::new(Bad))]), Does(|_| ()), None).unwrap();
    let error = wait(&mut pipeline).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(wait(&mut pipeline).is_none());
}

#[test]
fn test_rayon_pool_safety() {
    // Blocks that take their time out of turn come in order all the same.
    let build = Does(|record| std::thread::sleep(Duration::from_micros(if record % 3 == 0 { 900 } else { 20 })));
    assert_eq!(all(on_the_pool(input(300), build, None).unwrap()), (0..300).collect::<Vec<_>>());

    // They are built on the pool, with as many at once as it has threads and never more.
    let threads = Pool::get().unwrap().threads();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let names = Arc::new(Mutex::new(Vec::new()));
    let (at_once, peak, seen) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&names));
    let build = Does(move |_| {
        peak.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        seen.lock().unwrap().push(std::thread::current().name().unwrap_or_default().to_owned());
        std::thread::sleep(Duration::from_micros(200));
        at_once.fetch_sub(1, Ordering::SeqCst);
    });
    all(on_the_pool(input(200), build, None).unwrap());
    assert!(most.load(Ordering::SeqCst) <= threads);
    assert!(names.lock().unwrap().iter().all(|name| name.starts_with("mrrc-arrow-")));
}

#[test]
fn test_concurrent_readers() {
    // More than there are threads, all at once: none waits for another's consumer.
    let start = Arc::new(Barrier::new(12));
    let readers: Vec<_> = (0..12)
        .map(|_| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                start.wait();
                all(on_the_pool(input(200), Does(|_| ()), None).unwrap()) == (0..200).collect::<Vec<_>>()
            })
        })
        .collect();
    assert!(readers.into_iter().all(|reader| reader.join().unwrap()));

    // Consumers that stopped half way keep nobody's threads.
    let mut idle: Vec<_> =
        (0..12).flat_map(|_| inputs(200)).map(|input| on_the_pool(input, Does(|_| ()), None).unwrap()).collect();
    for pipeline in &mut idle {
        wait(pipeline).unwrap().unwrap();
    }
    assert_eq!(all(on_the_pool(input(200), Does(|_| ()), None).unwrap()).len(), 200);
}

#[test]
fn a_long_read_lets_a_short_one_in() {
    // Also where the pool has one thread, which a long read keeps busy as long as its consumer is fast.
    let (ended, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (told, wanted) = (Arc::clone(&ended), Arc::clone(&stop));
    let long = std::thread::spawn(move || {
        let build = Does(|_| std::thread::sleep(Duration::from_micros(50)));
        let mut pipeline = on_the_pool(input(100_000), build, Some(4)).unwrap();
        while !wanted.load(Ordering::SeqCst) && wait(&mut pipeline).is_some() {}
        told.store(true, Ordering::SeqCst);
    });
    std::thread::sleep(Duration::from_millis(20));
    for input in inputs(50) {
        assert_eq!(all(on_the_pool(input, Does(|_| ()), None).unwrap()).len(), 50);
        assert!(!ended.load(Ordering::SeqCst));
    }
    stop.store(true, Ordering::SeqCst);
    long.join().unwrap();
}

#[test]
fn test_memory_under_parallelism() {
    /// A block that is alive.
    struct Alive(Arc<AtomicUsize>, #[allow(dead_code)] Block);
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    struct Keeps(Arc<AtomicUsize>, Arc<AtomicUsize>);
    impl Build for Keeps {
        type Output = Alive;
        fn block(&self, block: Block) -> Result<Alive, Error> {
            self.1.fetch_max(self.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Ok(Alive(Arc::clone(&self.0), block))
        }
        fn foreign(&self, _: Problem) -> Alive {
            unreachable!("all of the input is MARC")
        }
    }
    let threads = Pool::get().unwrap().threads();
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut pipeline = on_the_pool(input(2000), Keeps(Arc::clone(&alive), Arc::clone(&most)), None).unwrap();
    let mut count = 0;
    while let Some(block) = wait(&mut pipeline) {
        drop(block.unwrap());
        count += 1;
    }
    assert_eq!(count, 2000);
    // Those in the channel, one in the producer's hands, one in the consumer's.
    assert!(most.load(Ordering::SeqCst) <= threads * BLOCKS_PER_THREAD + 2, "{}", most.load(Ordering::SeqCst));
    // Nothing is kept once it was handed over, nor by a pipeline that was left half way.
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    let mut pipeline = on_the_pool(input(2000), Keeps(Arc::clone(&alive), most), None).unwrap();
    drop(wait(&mut pipeline));
    drop(pipeline);
    let deadline = Instant::now() + Duration::from_secs(10);
    while alive.load(Ordering::SeqCst) > 0 {
        assert!(Instant::now() < deadline, "{} blocks outlived their pipeline", alive.load(Ordering::SeqCst));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn test_backend_interchangeability() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    io::Write::write_all(&mut file, &RECORD.repeat(500)).unwrap();
    let sources = || {
        [
            Source::path(file.path()),
            Source::memory(RECORD.repeat(500)),
            Source::stream(None, Box::new(Records(500, Arc::default()))),
        ]
    };
    for source in sources() {
        assert_eq!(all(on_the_pool(input_of(vec![source]), Does(|_| ()), None).unwrap()), (0..500).collect::<Vec<_>>());
    }
    // One after the other, their records count on.
    let together = all(on_the_pool(input_of(sources().into()), Does(|_| ()), None).unwrap());
    assert_eq!(together, (0..1500).collect::<Vec<_>>());
}

#[test]
fn a_deadline_that_passes_loses_nothing() {
    let waited = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&waited);
    // The second block is built once somebody waited for it in vain.
    let build = Does(move |record| {
        while record == 1 && !enough.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let mut pipeline = on_the_pool(input(5), build, None).unwrap();
    let (mut pending, mut found) = (0, Vec::new());
    loop {
        match pipeline.next(Some(Instant::now() + Duration::from_millis(5))) {
            Wait::Pending => {
                pending += 1;
                waited.store(pending > 3, Ordering::SeqCst);
            }
            Wait::Ready(None) => break,
            Wait::Ready(Some(result)) => found.push(result.unwrap()),
        }
    }
    assert_eq!(found, [0, 1, 2, 3, 4]);
    assert!(pending > 3, "{pending}");
}

/// Counts records where it reads them.
struct Counts {
    bad: u64,
    enough: u64,
}

impl Build for Counts {
    type Output = u64;

    fn block(&self, block: Block) -> Result<u64, Error> {
        assert!(block.first_record != self.bad, "a bad block");
        Ok(block.records.len() as u64)
    }

    fn foreign(&self, _: Problem) -> u64 {
        1_000_000
    }

    fn is_cheap(&self) -> bool {
        true
    }

    fn add(&self, so_far: &mut u64, next: u64) -> bool {
        *so_far += next;
        *so_far >= self.enough
    }
}

#[test]
fn what_comes_of_cheap_blocks_is_handed_over_together() {
    let records = 3 * GATHER / RECORD.len();
    let found = all(on_the_pool(input(records), Counts { bad: u64::MAX, enough: u64::MAX }, None).unwrap());
    assert_eq!(found.iter().sum::<u64>(), records as u64);
    assert!((3..=4).contains(&found.len()), "{found:?}");

    // Or sooner, where it is enough; and never together with what comes of another source.
    let sources = vec![Source::memory(RECORD.repeat(25)), Source::memory(RECORD.repeat(3))];
    assert_eq!(
        all(on_the_pool(input_of(sources), Counts { bad: u64::MAX, enough: 10 }, None).unwrap()),
        [10, 10, 5, 3]
    );

    // What came before a block that failed is told first, and nothing after it.
    let mut pipeline = on_the_pool(input(100), Counts { bad: 60, enough: u64::MAX }, None).unwrap();
    assert_eq!(wait(&mut pipeline).unwrap().unwrap(), 60);
    assert_eq!(wait(&mut pipeline).unwrap().unwrap_err().record(), Some(60));
    assert!(wait(&mut pipeline).is_none());
}

#[test]
fn a_foreign_source_comes_in_its_place_from_every_backend() {
    struct Text(bool);
    impl ReadChunk for Text {
        fn read_chunk(&mut self, buffer: &mut Vec<u8>, _: usize) -> io::Result<usize> {
            let text: &[u8] = if std::mem::take(&mut self.0) { b"just some text, and no MARC in it\n" } else { b"" };
            buffer.extend_from_slice(text);
            Ok(text.len())
        }
    }
    let text = b"just some text, and no MARC in it\n";
    for foreign in [Source::memory(&text[..]), Source::stream(None, Box::new(Text(true)))] {
        let sources = vec![Source::memory(RECORD.repeat(2)), foreign, Source::memory(RECORD.repeat(2))];
        let input = Input { ignore_foreign: true, ..input_of(sources.clone()) };
        let pipeline = on_the_pool(input, Does(|_| ()), None).unwrap();
        assert!(format!("{pipeline:?}").contains("finished: false"));
        assert_eq!(all(pipeline), [0, 1, u64::MAX, 3, 4]);
    }
    let sources = vec![Source::memory(RECORD.repeat(2)), Source::memory(&text[..]), Source::memory(RECORD.repeat(3))];
    let input = Input { ignore_foreign: true, ..input_of(sources) };
    assert_eq!(all(on_the_pool(input, Counts { bad: u64::MAX, enough: u64::MAX }, None).unwrap()), [2, 1_000_000, 3]);
}

#[test]
fn a_missing_file_behind_others_is_an_error_in_its_place() {
    let sources = vec![Source::memory(RECORD.repeat(2)), Source::path("/nowhere/at/all.mrc")];
    let mut pipeline = on_the_pool(input_of(sources), Does(|_| ()), None).unwrap();
    assert_eq!((0..2).map(|_| wait(&mut pipeline).unwrap().unwrap()).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(wait(&mut pipeline).unwrap().unwrap_err().kind(), ErrorKind::Io);
    assert!(wait(&mut pipeline).is_none());
}
