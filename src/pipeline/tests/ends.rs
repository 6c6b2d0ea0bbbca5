//! How a pipeline ends that does not end well: in a forked child, by an error, a panic or a lost thread, or because nobody wants
//! more.

use super::*;
use std::any::Any;

fn stream(count: usize, asked: &Arc<AtomicUsize>) -> Source {
    Source::stream(None, Box::new(Records(count, Arc::clone(asked))))
}

#[test]
fn a_reader_of_the_parents_says_so_in_a_forked_child_and_waits_for_nobody() {
    let sources =
        [Source::memory(RECORD.repeat(50)), Source::memory(gzip(&RECORD.repeat(50))), stream(50, &Arc::default())];
    for source in sources {
        let mut pipeline = on_the_pool(input_of(vec![source]), Does(|_| ()), Some(2)).unwrap();
        wait(&mut pipeline).unwrap().unwrap();
        // As it looks in a child: another process than the one that opened it.
        pipeline.process = pipeline.process.wrapping_add(1);
        let error = wait(&mut pipeline).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Forked, "forked"));
        assert!(wait(&mut pipeline).is_none());
        assert!(wait(&mut pipeline).is_none(), "for ever");
    }
}

#[test]
fn a_panic_over_a_foreign_source_is_an_error_from_every_reader() {
    struct Bad;
    impl Build for Bad {
        type Output = ();
        fn block(&self, _: Block) -> Result<(), Error> {
            Ok(())
        }
        fn foreign(&self, _: Problem) {
            panic!("a bad {}", "builder")
        }
    }
    let text = b"just some text, and no MARC in it\n";
    let input = |also| Input { ignore_foreign: true, ..input_of(vec![also, Source::memory(&text[..])]) };
    // By the pool's threads, by a thread of its own, and by the consumer; and by the consumer alone.
    let sources = [Source::memory(RECORD), Source::memory(gzip(RECORD)), stream(1, &Arc::default())];
    let served = sources.map(|also| on_the_pool(input(also), Bad, None).unwrap());
    let alone = Pipeline::alone(Feed::new(input(Source::memory(RECORD))), Bad);
    for mut pipeline in served.into_iter().chain([alone]) {
        wait(&mut pipeline).unwrap().unwrap();
        let error = wait(&mut pipeline).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("a bad builder"), "{error}");
        assert!(wait(&mut pipeline).is_none());
    }
}

#[test]
fn what_cheap_builders_made_comes_before_what_ends_the_read() {
    /// Panics when it puts two together that it does not like.
    struct Adds;
    impl Build for Adds {
        type Output = u64;
        fn block(&self, block: Block) -> Result<u64, Error> {
            Ok(block.first_record)
        }
        fn foreign(&self, _: Problem) -> u64 {
            u64::MAX
        }
        fn is_cheap(&self) -> bool {
            true
        }
        fn add(&self, so_far: &mut u64, next: u64) -> bool {
            assert!(next < 5, "too much");
            *so_far = next;
            false
        }
    }

    let counts = || Counts { bad: u64::MAX, enough: u64::MAX };
    let next = |pipeline: &mut Pipeline<u64>| wait(pipeline).unwrap();

    // A missing file, a stream that is cut, and one that panics.
    let packed = gzip(&(0..40_000).flat_map(|_| RECORD.to_vec()).collect::<Vec<_>>());
    let cut = Source::memory(packed[..packed.len() - 30].to_vec());
    for bad in [Source::path("/nowhere/at/all.mrc"), cut] {
        let mut pipeline =
            on_the_pool(input_of(vec![Source::memory(RECORD.repeat(7)), bad.clone()]), counts(), None).unwrap();
        assert_eq!(next(&mut pipeline).unwrap(), 7);
        let mut result = next(&mut pipeline);
        if let Ok(records) = result {
            assert!(records > 10_000, "{records}");
            result = next(&mut pipeline);
        }
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Io, "{bad:?}");
        assert!(wait(&mut pipeline).is_none());
    }

    let mut pipeline = on_the_pool(input(20), Adds, None).unwrap();
    assert_eq!(next(&mut pipeline).unwrap(), 4);
    let error = next(&mut pipeline).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("too much"), "{error}");
    assert!(wait(&mut pipeline).is_none());
}

#[test]
fn a_producer_of_cheap_blocks_ends_when_nobody_wants_more() {
    for enough in [1, 50, u64::MAX] {
        for taken in [0, 1, 3] {
            let (sender, released) = bounded(1);
            let source = Source::memory(bytes::Bytes::from_owner(Owned(RECORD.repeat(2_000), sender)));
            let text = Source::memory(&b"just some text, and no MARC in it\n"[..]);
            let input = Input { ignore_foreign: true, ..input_of(vec![text, source]) };
            let mut pipeline = on_the_pool(input, Counts { bad: 1_900, enough }, Some(1)).unwrap();
            for _ in 0..taken {
                wait(&mut pipeline);
            }
            drop(pipeline);
            released.recv_timeout(Duration::from_secs(20)).unwrap();
        }
    }
}

#[test]
fn a_consumer_that_reads_itself_delivers_what_was_whole_before_an_error_and_an_interruption_at_once() {
    struct Fails(usize, bool);
    impl ReadChunk for Fails {
        fn read_chunk(&mut self, buffer: &mut Vec<u8>, _: usize) -> io::Result<usize> {
            if self.0 > 0 {
                self.0 -= 1;
                buffer.extend_from_slice(&RECORD.repeat(4));
                return Ok(4 * RECORD.len());
            }
            Err(if self.1 {
                io::Error::other(crate::Interruption("Ctrl-C".into()))
            } else {
                io::Error::other("broken")
            })
        }
    }
    let start = |interrupted, ahead| {
        let source = Source::stream(None, Box::new(Fails(5, interrupted)));
        on_the_pool(input_of(vec![source]), Does(|_| ()), Some(ahead)).unwrap()
    };
    let run = |mut pipeline: Pipeline<u64>| {
        let mut records = 0;
        loop {
            match wait(&mut pipeline).unwrap() {
                Ok(record) => assert_eq!(record, std::mem::replace(&mut records, record + 1)),
                Err(error) => {
                    assert!(wait(&mut pipeline).is_none());
                    return (records, error);
                }
            }
        }
    };
    let (records, error) = run(start(false, 100));
    assert_eq!((records, error.kind()), (20, ErrorKind::Io));
    assert!(error.to_string().contains("broken"));
    let (_, error) = run(start(true, 100));
    assert!(error.is_interruption());
    assert!(error.to_string().contains("Ctrl-C"), "{error}");
}

#[test]
fn bytes_are_counted_as_they_are_read_to_be_built() {
    let asked = Arc::default();
    for source in [Source::memory(RECORD.repeat(30)), Source::memory(gzip(&RECORD.repeat(30))), stream(30, &asked)] {
        let mut pipeline = on_the_pool(input_of(vec![source]), Does(|_| ()), None).unwrap();
        while wait(&mut pipeline).is_some() {}
        assert_eq!(pipeline.bytes_read(), 30 * RECORD.len() as u64);
    }
}

#[test]
fn a_thread_that_is_lost_without_a_word_is_an_error_and_not_the_end() {
    let lost = |slots: Receiver<Slot<u64>>, pending| {
        let shared = Arc::default();
        Pipeline { origin: Origin::Producer(slots), pending, shared, process: std::process::id(), finished: false }
    };
    let (sender, slots) = bounded::<Slot<u64>>(1);
    drop(sender);
    let (result, job) = bounded(1);
    drop(result);
    for (mut pipeline, what) in
        [(lost(slots, None), "reading thread"), (lost(crossbeam_channel::never(), Some(job)), "worker")]
    {
        for deadline in [Some(Instant::now() + Duration::from_secs(60)), None] {
            match pipeline.next(deadline) {
                Wait::Ready(Some(Err(error))) => {
                    assert_eq!(error.kind(), ErrorKind::Internal);
                    assert!(error.to_string().contains(what), "{error}");
                }
                // After an error.
                Wait::Ready(None) => assert!(deadline.is_none()),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_panic_with_or_without_words_is_told() {
    let said =
        |panic: Box<dyn Any + Send>| caught(|| std::panic::resume_unwind(panic)).map(|()| "").unwrap_err().to_string();
    assert!(said(Box::new("a str")).contains("a str"));
    assert!(said(Box::new("a String".to_owned())).contains("a String"));
    assert!(said(Box::new(42)).contains("no message"));
}
