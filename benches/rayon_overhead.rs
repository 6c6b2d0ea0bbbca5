//! What pool and channel cost, and what a second thread gains where nothing is read: bytes in memory, one core for the first.
//!
//! Pool and channel by the size of batches: a batch that is small is handed over often, and what of a large one leaves the cache has to come
//! back.
//!
//! On one core whoever asks for a batch reads and builds it, so that there is neither (`taskset -c 0 cargo bench --bench
//! rayon_overhead`, which fails if a stream costs more than 5 % there). With more cores a pool of one and its consumer are two
//! threads.

#![allow(missing_docs, clippy::expect_used)]

mod shared;

use std::time::{Duration, Instant};

use mrrc_arrow::{Source, measure};

const MOST: f64 = 0.05;
const ROUNDS: usize = 25;
/// Records in a batch; which one is the default is another matter, for it depends on what reads cost, too (`benches/results`).
const SIZES: [usize; 6] = [64, 128, 256, 384, 512, 1024];

fn time(work: impl Fn() -> usize) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

/// How much longer `piped` takes than `plain`, as a share of that.
fn cost_of(plain: Duration, piped: Duration) -> f64 {
    piped.as_secs_f64() / plain.as_secs_f64() - 1.0
}

/// Block after block in one thread, and as a stream that one thread builds, in batches of so many records.
fn sweep(bytes: &bytes::Bytes) {
    measure::set_threads(1).expect("a thread");
    let mut times = SIZES.map(|records| (records, Duration::MAX, Duration::MAX));
    for _ in 0..ROUNDS {
        for (records, plain, piped) in &mut times {
            let source = || Source::memory(bytes.clone());
            *plain = (*plain).min(time(|| measure::in_one_thread(source(), *records).expect("MARC")));
            *piped = (*piped).min(time(|| shared::stream_of(source(), *records)));
        }
    }
    println!("\nrecords in a batch   one thread     stream");
    for (records, plain, piped) in times {
        println!("{records:>18}   {plain:>10.2?} {piped:>10.2?}   {:+.1} %", 100.0 * cost_of(plain, piped));
    }
}

fn main() {
    let bytes = shared::bytes();
    let blocks = measure::blocks(bytes.clone(), shared::RECORDS).expect("MARC");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // By the least times of rounds that alternate: whatever else runs on a machine only adds.
    let [mut plain, mut piped, mut known, mut pool_one, mut pool_two] = [Duration::MAX; 5];
    for _ in 0..ROUNDS {
        measure::set_threads(1).expect("a thread");
        plain =
            plain.min(time(|| measure::in_one_thread(Source::memory(bytes.clone()), shared::RECORDS).expect("MARC")));
        piped = piped.min(time(|| shared::stream(Source::memory(bytes.clone()))));
        known = known.min(time(|| blocks.iter().map(measure::Known::build).sum()));
        pool_one = pool_one.min(time(|| measure::build_on_pool(&blocks).expect("a pool")));
        if cores > 1 {
            measure::set_threads(2).expect("threads");
            pool_two = pool_two.min(time(|| measure::build_on_pool(&blocks).expect("a pool")));
        }
    }
    let cost = cost_of(plain, piped);
    println!("{} MB in memory, {cores} cores, least of {ROUNDS} rounds", bytes.len() / 1_000_000);
    println!("one thread, block after block       {plain:>10.2?}");
    println!("stream of batches                   {piped:>10.2?}   {:+.1} %", 100.0 * cost);
    println!("blocks known, one thread            {known:>10.2?}");
    println!("blocks known, pool of one           {pool_one:>10.2?}");
    if cores > 1 {
        println!(
            "blocks known, pool of two           {pool_two:>10.2?}   {:.2} times one",
            pool_one.as_secs_f64() / pool_two.as_secs_f64()
        );
    }
    sweep(&bytes);
    if cores == 1 && cost > MOST {
        eprintln!("a stream on one core costs more than {:.0} %", 100.0 * MOST);
        std::process::exit(1);
    }
}
