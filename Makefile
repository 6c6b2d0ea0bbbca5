# Everything runs in the project's own .venv; Rust, Python (3.11 or later, with venv), a C compiler and make are all that must be there.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
OUT    ?= build

# What the extension module is built from.
SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md $(shell find src python -name '*.rs' -o -name '*.py' -o -name '*.pyi')

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-gil test-polars test-environments test-free-threaded test-spark test-engines
.PHONY: check test-memory asan asan-rust asan-fuzz asan-python valgrind valgrind-rust valgrind-reader valgrind-python leaks deny gate stress kills coverage
.PHONY: properties mutations random fuzz instructions memory lint fmt bench compare bench-rust bench-polars profile notebooks docs docs-serve wheel
.PHONY: sdist dist test-wheel test-sdist crate clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --disable-pip-version-check -q install --upgrade 'pip>=25.1'
	touch $@

# The package itself, optimised, as a wheel would have it. maturin installs into the environment that is active, whose program it
# may not be.
$(VENV)/.built: $(VENV)/.made $(SOURCES)
	$(PIP) install 'maturin>=1.9,<2'
	env -u CONDA_PREFIX VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(PIP) install polars pyarrow
	touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	$(PIP) install --group test
	touch $@

$(VENV)/.notebooks: $(VENV)/.made pyproject.toml
	$(PIP) install --group notebooks
	touch $@

$(VENV)/.lint: $(VENV)/.made pyproject.toml
	$(PIP) install --group lint --group test
	touch $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(PIP) install --group docs
	touch $@

$(VENV)/.bench: $(VENV)/.made pyproject.toml
	$(PIP) install --group bench
	touch $@

demo: $(VENV)/.built $(VENV)/.demo ## convert the sample catalogue to Parquet and print it as a data frame
	mkdir -p $(OUT)
	$(BIN)/mrrc-arrow convert tests/data/sample.mrc $(OUT)/sample.parquet
	$(BIN)/python -c "import polars as pl; print(pl.read_parquet('$(OUT)/sample.parquet'))"

test: test-rust test-python test-gil test-memory ## run all tests

check: lint test ## all that CI runs, before a push

test-rust: ## the core's tests, which need no Python
	cargo test --locked --no-default-features --features cli

test-python: $(VENV)/.built $(VENV)/.test $(VENV)/.notebooks ## the package's tests
	$(BIN)/python scripts/make_sample.py --check
	$(BIN)/python -m pytest -q
	$(BIN)/python scripts/read_mutations.py --count 300
	$(BIN)/python scripts/read_random.py --count 10000

# The library that an interpreter is embedded from; where it is built without one there is nothing to test.
PYLIB = $(shell $(BIN)/python -c 'import sysconfig as s; print(s.get_config_var("Py_ENABLE_SHARED") and s.get_config_var("LIBDIR") or "")')
SITE  = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# Debian says that there is one, and has the name that is linked with in another package.
LIBPYTHON = import sysconfig, pathlib; of = sysconfig.get_config_var; \
	path = pathlib.Path(of("LIBDIR") or "", of("LDLIBRARY") or ""); print(path if of("Py_ENABLE_SHARED") and path.is_file() else "")

test-gil: $(VENV)/.built ## two threads over Python files against one
ifneq ($(strip $(shell $(PYTHON) -c '$(LIBPYTHON)')),)
	MRRC_ARROW_BUILT=1 PYO3_PYTHON=$(abspath $(BIN)/python) LD_LIBRARY_PATH=$(PYLIB) PYTHONPATH=$(abspath python):$(SITE) \
		cargo test --locked --no-default-features --features cli,embed --test concurrent_gil_tests -- --nocapture
else
	@echo 'skipped: there is no shared library of this Python to link with (Debian has it in libpython3-dev)'
endif

test-polars: ## batches as frames of the Rust crate polars, which takes some minutes to compile
	cargo test --locked -p mrrc_arrow_polars

# The oldest versions that are supported; pyproject.toml has the same.
OLDEST = polars==1.38.1 'pyarrow>=26' 'pandas>=2.2,<3' 'duckdb>=2' numpy pytest==9.2.0 'hypothesis>=6.150' pymarc==5.4.0
OLDEST_TESTS = test_scan test_consumers test_read_batches test_read_table test_projection test_zero_copy test_write_marc

test-free-threaded: $(VENV)/.made ## every function in threads without the GIL; FREE_THREADED is the Python, 3.14t or later
	$(if $(FREE_THREADED),,$(error say which Python, as in make test-free-threaded FREE_THREADED=python3.14t))
	$(PIP) install 'maturin>=1.9,<2'
	rm -rf $(OUT)/free-threaded && mkdir -p $(OUT)/free-threaded
	$(BIN)/maturin build --release --locked -q -i $(FREE_THREADED) -o $(OUT)/free-threaded/wheels
	$(FREE_THREADED) -m venv $(OUT)/free-threaded/venv
	$(OUT)/free-threaded/venv/bin/python -m pip --disable-pip-version-check -q install $(OUT)/free-threaded/wheels/*.whl pyarrow
	cd $(OUT)/free-threaded && PYTHON_GIL=0 venv/bin/python ../../tests/environments/free_threaded.py ../../tests/data/sample.mrc

test-environments: $(VENV)/.built ## the oldest libraries that are supported, Polars without pyarrow, and neither, each in an environment of its own
	rm -rf $(OUT)/wheels $(OUT)/bare $(OUT)/oldest && mkdir -p $(OUT)/wheels
	$(BIN)/maturin build --release --locked -q -o $(OUT)/wheels
	$(PYTHON) -m venv $(OUT)/bare
	$(OUT)/bare/bin/python -m pip --disable-pip-version-check -q install $(OUT)/wheels/*.whl
	cd $(OUT) && bare/bin/python -W error ../tests/environments/bare.py ../tests/data/sample.mrc
	$(OUT)/bare/bin/python -m pip --disable-pip-version-check -q install 'polars>=2.1'
	cd $(OUT) && bare/bin/python -W error ../tests/environments/without_pyarrow.py ../tests/data/sample.mrc
	$(PYTHON) -m venv $(OUT)/oldest
	$(OUT)/oldest/bin/python -m pip --disable-pip-version-check -q install $(OUT)/wheels/*.whl $(OLDEST)
	$(OUT)/oldest/bin/python -m pytest -q -p no:cacheprovider $(OLDEST_TESTS:%=tests/python/%.py)

# The newest Spark, and the oldest that is supported; pyproject.toml has the same.
SPARK_TESTS = 'polars>=2.1' 'pandas>=2.2,<3' pytest==9.2.0 'hypothesis>=6.150'

$(OUT)/spark/.made: Makefile
	rm -rf $(OUT)/spark && $(PYTHON) -m venv $(OUT)/spark
	$(OUT)/spark/bin/python -m pip --disable-pip-version-check -q install 'pyspark>=4.3,<5' 'pyarrow>=26' $(SPARK_TESTS)
	touch $@

$(OUT)/spark-oldest/.made: Makefile
	rm -rf $(OUT)/spark-oldest && $(PYTHON) -m venv $(OUT)/spark-oldest
	$(OUT)/spark-oldest/bin/python -m pip --disable-pip-version-check -q install pyspark==4.0.0 'pyarrow>=26' $(SPARK_TESTS)
	touch $@

test-spark: $(VENV)/.built $(OUT)/spark/.made $(OUT)/spark-oldest/.made ## sessions of Apache Spark, of the newest and of the oldest that is supported (with Java 17)
	command -v java >/dev/null || { echo 'Java 17 is needed (Debian: openjdk-17-jre-headless)'; exit 1; }
	rm -rf $(OUT)/spark/wheels
	$(BIN)/maturin build --release --locked -q -o $(OUT)/spark/wheels
	set -e; for version in spark spark-oldest; do \
		$(OUT)/$$version/bin/python -m pip --disable-pip-version-check -q install --force-reinstall --no-deps $(OUT)/spark/wheels/*.whl; \
		$(OUT)/$$version/bin/python -m pytest -q -p no:cacheprovider tests/python/test_spark_contract.py \
			tests/python/test_spark_registration.py; \
		$(OUT)/$$version/bin/python -m pytest -q -p no:cacheprovider -W default::pytest.PytestUnraisableExceptionWarning tests/spark; \
	done

test-engines: $(VENV)/.built ## what the documentation shows for Dask, Ray and Daft
	rm -rf $(OUT)/engines && $(PYTHON) -m venv $(OUT)/engines
	$(BIN)/maturin build --release --locked -q -o $(OUT)/engines/wheels
	$(OUT)/engines/bin/python -m pip --disable-pip-version-check -q install $(OUT)/engines/wheels/*.whl \
		'dask[dataframe]>=2026.8' 'ray>=2.60' 'daft>=0.7.26,<0.8' pyarrow
	cd $(OUT) && engines/bin/python ../tests/environments/engines.py ../docs/scaling.md ../tests/data/sample.mrc

gate: $(VENV)/.built $(VENV)/.bench ## sweep batch sizes and judge what a second thread gains (on an idle machine)
	$(BIN)/python scripts/test_python_file_overhead.py
	$(BIN)/python scripts/benchmark_batch_sizes.py

# Memory checkers see nothing of what jemalloc hands out, so that the core is built with the system's allocator for them.
CHECKED = --cfg mrrc_arrow_system_allocator
HOST    = $(shell rustc -vV | sed -n 's/^host: //p')
NATIVE  = _native.abi3.so

# Whole stacks, so that tests/memory/lsan.supp can tell whose a leak is.
ASAN_PYTHON = LD_PRELOAD="$(ASAN_LIBRARY)" PYTHONMALLOC=malloc ASAN_OPTIONS=fast_unwind_on_malloc=0 \
	LSAN_OPTIONS=suppressions=$(abspath tests/memory/lsan.supp):print_suppressions=0

# Not every Rust comes with what it links programs with for this.
ASAN_RUNTIME = $(wildcard $(shell rustc --print sysroot)/lib/rustlib/$(HOST)/lib/*rt.asan*)
# What a program loads that was built without it.
ASAN_LIBRARY = $(wildcard $(shell gcc -print-file-name=libasan.so 2>/dev/null))

asan: asan-rust asan-python ## AddressSanitizer and LeakSanitizer over the Rust tests and over a tour of the package

asan-rust:
ifeq ($(ASAN_RUNTIME),)
	@echo 'skipped: this Rust has no runtime of AddressSanitizer (that of rustup has)'
else
	PROPTEST_CASES=$(CASES) scripts/asan.sh test --locked --no-default-features --features cli $(ASAN_TESTS)
endif

# With as many inputs as without it.
asan-fuzz:
ifneq ($(ASAN_RUNTIME),)
	scripts/asan.sh test --locked --no-default-features --features cli --test fuzz
endif

ASAN_TESTS = --lib --tests

# How many random inputs each property test has under a memory checker.
CASES ?= 64

asan-python: $(VENV)/.test
ifeq ($(and $(ASAN_RUNTIME),$(ASAN_LIBRARY)),)
	@echo 'skipped: AddressSanitizer has no runtime in this Rust, or no library in this gcc (libasan)'
else
	scripts/asan.sh build --locked --no-default-features --features python --lib
	rm -rf $(OUT)/asan && mkdir -p $(OUT)/asan && cp -r python/mrrc_arrow $(OUT)/asan/
	cp target/asan/debug/libmrrc_arrow.so $(OUT)/asan/mrrc_arrow/$(NATIVE)
	$(ASAN_PYTHON) PYTHONPATH=$(OUT)/asan $(BIN)/python tests/memory/smoke.py tests/data/sample.mrc
endif

valgrind: valgrind-rust valgrind-python ## valgrind (which must be installed) over the Rust tests and a tour of the package: no error, no definite leak

VALGRIND = valgrind -q --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
	--suppressions=$(abspath tests/memory/valgrind.supp)
UNDER_VALGRIND = RUSTFLAGS='$(CHECKED)' CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_TARGET_DIR=target/valgrind

valgrind-rust:
	$(UNDER_VALGRIND) PROPTEST_CASES=$(CASES) CARGO_TARGET_$(shell echo $(HOST) | tr a-z- A-Z_)_RUNNER='$(VALGRIND)' \
		cargo test --locked --no-default-features --features cli --lib --tests

# CPython 3.11 multiplies what a 0 has no digit for by its length, which is 0; from there on valgrind takes all for undefined that
# has to do with a 0. The Rust tests are looked at for it.
TAINTED = --undef-value-errors=no

valgrind-python: $(VENV)/.test
	$(UNDER_VALGRIND) cargo build --locked --no-default-features --features python --lib
	rm -rf $(OUT)/valgrind && mkdir -p $(OUT)/valgrind && cp -r python/mrrc_arrow $(OUT)/valgrind/
	cp target/valgrind/debug/libmrrc_arrow.so $(OUT)/valgrind/mrrc_arrow/$(NATIVE)
	PYTHONMALLOC=malloc PYTHONPATH=$(OUT)/valgrind $(VALGRIND) $(TAINTED) $(BIN)/python tests/memory/smoke.py tests/data/sample.mrc --without-arrow

# What `make test` has of both; the tour of the package is among its Python tests, with the debugging allocator of CPython.
test-memory: ASAN_TESTS = --lib --test record_blocks
test-memory: CASES = 16
test-memory: asan-rust asan-fuzz valgrind-reader ## memory checkers, briefly: tests of the core

valgrind-reader:
ifeq ($(shell command -v valgrind),)
	@echo 'skipped: valgrind is not installed'
else
	CARGO_TARGET_$(shell echo $(HOST) | tr a-z- A-Z_)_RUNNER='$(VALGRIND)' \
		cargo test --locked --no-default-features --features cli --test reader -- --skip a_hundred_thousand --test-threads 1
endif

leaks: $(VENV)/.built $(VENV)/.test ## read 100,000 records a hundred times in each of eight ways: memory stays flat
	$(BIN)/python tests/memory/leaks.py tests/data/sample.mrc

deny: ## known holes, licences and sources of what is compiled in (cargo install cargo-deny; fetches the list of known holes)
	cargo deny --locked check

# How often each test is repeated, with each number of threads.
REPEAT ?= 100

stress: $(VENV)/.built $(VENV)/.test ## repeat the tests of pipeline, fork and Ctrl-C with 1, 2 and 8 threads
	mkdir -p $(OUT)
	cargo test --locked --no-default-features --features cli --lib --no-run
	set -e; for threads in 1 2 8; do export RAYON_NUM_THREADS=$$threads; for round in $$(seq $(REPEAT)); do \
		cargo test -q --locked --no-default-features --features cli --lib pipeline >$(OUT)/stress.log 2>&1 \
			|| { cat $(OUT)/stress.log; exit 1; }; \
		$(BIN)/python -m pytest -q -p no:cacheprovider -k 'fork or ctrl_c' tests/python/test_processes.py \
			tests/python/test_reader.py >$(OUT)/stress.log 2>&1 || { cat $(OUT)/stress.log; exit 1; }; \
	done; echo "$(REPEAT) times with $$threads threads: passed"; done

properties: ## the core's tests over and over, with cases that differ, where CI has the same ones each time
	mkdir -p $(OUT)
	set -e; for round in $$(seq $(REPEAT)); do env -u PROPTEST_RNG_SEED PROPTEST_CASES=2048 CARGO_PROFILE_TEST_OPT_LEVEL=2 \
		cargo test --locked --no-default-features --features cli --target-dir target/properties >$(OUT)/properties.log 2>&1 \
		|| { cat $(OUT)/properties.log; exit 1; }; done; echo "$(REPEAT) times: passed"

kills: $(VENV)/.built $(VENV)/.test ## kill conversions and writers at a hundred moments each, and look at what is left
	$(BIN)/python scripts/measure_kills.py --kills $(REPEAT)

# How often each target is run.
RUNS ?= 1000000

fuzz: $(VENV)/.made ## fuzz scanner, record, text and whole reads (cargo install cargo-fuzz)
	$(BIN)/python scripts/make_fuzz_corpus.py fuzz/corpus
	set -e; for target in scanner record text read; do \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $$target -- -runs=$(RUNS) -max_len=8192 -print_final_stats=1; done

# What is compiled for AVX-512 runs, and is counted, where the processor has it; another path is taken where it has not.
NO_AVX512 = $(shell grep -q -m1 avx512_vbmi2 /proc/cpuinfo || echo --exclude-files src/iso2709/tape/avx512.rs)

coverage: ## line coverage of scanner, pool, pipeline and sources (cargo install cargo-tarpaulin)
	cargo tarpaulin --locked --no-default-features --features cli --engine ptrace --skip-clean --target-dir target/tarpaulin \
		--include-files 'src/iso2709/*' 'src/pool.rs' 'src/pool/*' 'src/pipeline/*' 'src/feed.rs' 'src/source/*' 'src/reader/*' $(NO_AVX512) --out Stdout

mutations: $(VENV)/.built $(VENV)/.test ## read 10,000 random mutations of the corpus, with errors ignored and without
	$(BIN)/python scripts/read_mutations.py --count 10000

random: $(VENV)/.built $(VENV)/.test ## read a million random byte strings in Python
	$(BIN)/python scripts/read_random.py --count $(RUNS)

# Without what its makers say of its future.
MKDOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

lint: $(VENV)/.built $(VENV)/.lint ## formatting, clippy, ruff, mypy, pyright, licences, documentation
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --features python -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items
	$(BIN)/python scripts/third_party.py --check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/python scripts/check_dependencies.py
	$(MKDOCS) build --strict --quiet --site-dir $(OUT)/site

fmt: $(VENV)/.lint ## format everything
	cargo fmt
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.built $(VENV)/.bench ## compare with peers on a 250 MB file
	$(BIN)/python benches/peers.py

compare: $(VENV)/.built $(VENV)/.bench ## show what peers make of the same small files (yaz, MARC::Batch and marc4j where they are installed)
	$(BIN)/python scripts/compare_peers.py

# An interpreter is embedded for the benchmarks that read a Python file.
EMBED = PYO3_PYTHON=$(abspath $(BIN)/python) LD_LIBRARY_PATH=$(PYLIB)

bench-rust: $(VENV)/.built ## criterion: the sequential reference, batch sizes, threads, and what pool and channel cost
	$(EMBED) cargo bench --locked --no-default-features --features cli,embed --bench baseline --bench batch_reading -- $(CRITERION)
	cargo bench --locked --bench rayon_parse_only --bench rayon_parallel -- $(CRITERION)
	cargo bench --locked --bench rayon_overhead
	taskset -c 0 cargo bench --locked --bench rayon_overhead

bench-polars: ## criterion: batches against frames of the Rust crate polars
	cargo bench --locked -p mrrc_arrow_polars --bench against -- $(CRITERION)

profile: $(VENV)/.built ## where time goes when batches are read on one core (perf must be installed)
	mkdir -p $(OUT)
	$(BIN)/python -c "import sys; sys.path.append('.'); from benches import common; print(common.make_file(250))"
	cargo build --release --quiet --locked -p mrrc_arrow_measure
	RAYON_NUM_THREADS=1 taskset -c 0 perf record -q -F 4000 -o $(OUT)/perf.data sh -c \
		'for round in 1 2 3 4 5 6 7 8; do echo go | target/release/mrrc_arrow_measure stream $(OUT)/big-250.mrc; done'
	perf report -i $(OUT)/perf.data --no-children --sort comm --stdio -q | grep -v '^$$'
	perf report -i $(OUT)/perf.data --no-children --sort symbol --stdio -q | grep -v '^$$' | cut -c1-110 | head -16

instructions: $(VENV)/.built ## how many instructions each stage takes for a byte (valgrind must be installed)
	mkdir -p $(OUT)
	$(BIN)/python -c "import sys; sys.path.append('.'); from benches import common; print(common.make_file(4))"
	cargo build --release --quiet --locked -p mrrc_arrow_measure
	echo go | RAYON_NUM_THREADS=1 valgrind -q --tool=callgrind --callgrind-out-file=$(OUT)/callgrind.out \
		target/release/mrrc_arrow_measure stream $(OUT)/big-4.mrc
	callgrind_annotate $(OUT)/callgrind.out | grep -E 'PROGRAM TOTALS|mrrc_arrow|simdutf8|memchr' | sed -E 's/\?\?\?://; s/ \[.*//' | head -14

memory: $(VENV)/.built ## peak memory of a stream and of a kept table, by massif (valgrind must be installed)
	mkdir -p $(OUT)
	$(BIN)/python -c "import sys; sys.path.append('.'); from benches import common; print(common.make_file(60))"
	cargo build --release --quiet --locked -p mrrc_arrow_measure
	set -e; for what in stream retain; do echo go | RAYON_NUM_THREADS=2 valgrind -q --tool=massif --pages-as-heap=yes \
		--massif-out-file=$(OUT)/massif.$$what target/release/mrrc_arrow_measure $$what $(OUT)/big-60.mrc >/dev/null; \
		echo "$$what: $$(sed -n 's/^mem_heap_B=//p' $(OUT)/massif.$$what | sort -n | tail -1) bytes mapped at most"; done

notebooks: $(VENV)/.built $(VENV)/.notebooks ## run the notebooks into build/notebooks, from where the site shows what came of them
	$(BIN)/python -m nbconvert --execute --to notebook --KernelManager.transport_encryption=auto \
		--output-dir $(OUT)/notebooks notebooks/*.ipynb

docs: $(VENV)/.docs notebooks ## build the documentation: the site into build/site, and that of the crate
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
	$(MKDOCS) build --strict --site-dir $(OUT)/site

docs-serve: $(VENV)/.docs ## show the site at http://127.0.0.1:8000, anew after each change
	$(MKDOCS) serve

# Tools of releases, in an environment of their own: some hold others back.
RELEASE := $(OUT)/release
RELEASE_PATH = PATH="$(abspath $(RELEASE))/bin:$$PATH"

$(RELEASE)/.made: pyproject.toml
	rm -rf $(RELEASE) && $(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip --disable-pip-version-check -q install --upgrade 'pip>=25.1'
	$(RELEASE)/bin/python -m pip --disable-pip-version-check -q install --group release
	touch $@

# zig has the names of glibc 2.17, so that it does not matter which this machine has. The unwinder must be that of the whole
# process, libgcc's, and not zig's own: glibc ends threads with it, through our frames, when an interpreter ends before them.
UNWINDER = $(shell cc -print-file-name=libgcc_s.so.1)

$(OUT)/.wheel: $(RELEASE)/.made $(SOURCES) LICENSES-THIRD-PARTY.txt
	rm -f dist/*.whl
	$(RELEASE_PATH) maturin build --release --locked --zig --compatibility manylinux_2_17 --out dist -- -C link-arg=$(UNWINDER)
	touch $@

wheel: $(OUT)/.wheel ## build a wheel for Linux into dist/, and look at it
	$(RELEASE)/bin/auditwheel show dist/*.whl
	$(RELEASE)/bin/abi3audit --strict dist/*.whl
	$(RELEASE)/bin/twine check --strict dist/*.whl
	$(RELEASE)/bin/python scripts/check_dist.py dist/*.whl

sdist: $(RELEASE)/.made ## build a source distribution into dist/, and look at it
	rm -f dist/*.tar.gz
	$(RELEASE_PATH) maturin sdist --out dist
	$(RELEASE)/bin/python scripts/prune_lock.py dist/*.tar.gz
	$(RELEASE)/bin/twine check --strict dist/*.tar.gz
	$(RELEASE)/bin/python scripts/check_dist.py dist/*.tar.gz

dist: wheel sdist ## wheel and source distribution, and whether the citation is valid
	$(RELEASE)/bin/cffconvert --validate

# Each of these gets the wheel.
PYTHONS ?= $(PYTHON)
EXTRAS  ?= none polars pyarrow spark all

test-wheel: wheel ## the wheel in fresh environments, without extras and with each alone, in PYTHONS
	set -e; for python in $(PYTHONS); do for extra in $(EXTRAS); do \
		rm -rf $(OUT)/fresh; $$python -m venv $(OUT)/fresh; \
		$(OUT)/fresh/bin/python -m pip --disable-pip-version-check -q install \
			"$$(ls dist/*.whl)$$([ $$extra = none ] || echo "[$$extra]")"; \
		$(OUT)/fresh/bin/python -I tests/environments/extras.py $$extra .; \
	done; done

# As docs/releasing.md has it, and outside of the repository; the network is taken away, where that can be done.
OFFLINE = $(shell unshare -rn true 2>/dev/null && echo unshare -rn)

test-sdist: sdist ## the source distribution builds from vendored crates alone, and what it builds works
	set -e; folder=$$(mktemp -d); trap 'rm -rf $$folder' EXIT; \
		tar xf dist/*.tar.gz -C $$folder --strip-components 1; \
		(cd $$folder && mkdir -p .cargo && cargo vendor -q --locked >.cargo/config.toml); \
		(cd $$folder && $(RELEASE_PATH) && export PATH && CARGO_TARGET_DIR=target CARGO_NET_OFFLINE=true $(OFFLINE) \
			python -m pip --disable-pip-version-check wheel -q --no-index --no-deps --no-build-isolation .); \
		$(PYTHON) -m venv $$folder/fresh; \
		$$folder/fresh/bin/python -m pip --disable-pip-version-check -q install --no-index $$folder/*.whl; \
		$$folder/fresh/bin/python -I tests/environments/extras.py none .

crate: ## what crates.io would get, compiled by itself
	cargo package --locked

clean: ## remove what was built
	rm -rf target $(VENV) build dist
