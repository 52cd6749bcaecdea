# `make demo` and `make test` each take a fresh Debian or Ubuntu machine that has a Swift toolchain
# to a result; they install the libraries they miss.

SWIFT ?= swift
EXAMPLES := Examples/digits/activations
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks
REFERENCE := .build/documentation.doccarchive

.PHONY: help demo test test-threads fuzz build dist wheel lint format bench bench-peers paper docs install-dependencies

demo: install-dependencies build ## compare two small networks and draw the maps
	.build/release/cka compare $(EXAMPLES)/depth8-width4-seed0 $(EXAMPLES)/depth20-width1-seed0 \
	  --output demo-result --force
	@echo
	@echo "The picture is demo-result/heatmap.png (and heatmap.svg); the numbers are in cka.csv."

test: ## all tests: CPU, OpenCL in software, Oclgrind, maps and files against references, MPI, two hosts, Slurm, the C interface, the Python package, faults, reports in a browser
	Scripts/install-dependencies.sh test
	tests=$$(SWIFT=$(SWIFT) Scripts/build-tests.sh) && \
	TESTS=$$tests CKA=.build-test/release/cka Scripts/side-by-side.py \
	  swift=Scripts/test-swift.sh \
	  faults=Scripts/test-faults.py \
	  python=Scripts/test-python.sh \
	  maps=Scripts/check-maps.sh \
	  library=Scripts/test-library.sh \
	  files='$$(Scripts/python-with-numpy.sh h5py) Tests/Reference/files_against_numpy.py .build-test/release/cka' \
	  mpi=Scripts/test-mpi.sh \
	  hosts=Scripts/test-hosts.sh \
	  slurm=Scripts/test-slurm.sh \
	  report=Scripts/test-report.sh \
	  uninitialized='Scripts/test-oclgrind.sh uninitialized' \
	  races='Scripts/test-oclgrind.sh races'

test-threads: ## tests of threads and sweeps under ThreadSanitizer
	Scripts/install-dependencies.sh test
	Scripts/test-threads.sh

fuzz: ## an hour of damaged files for the readers, one after another; SECONDS=20 for less each
	JOBS=1 Scripts/test-fuzz.sh $(or $(SECONDS),170)

build: ## the commands, in .build/release
	$(SWIFT) build -c release

dist: ## a folder and an archive for any x86-64 Linux, in dist
	Scripts/install-dependencies.sh dist
	Scripts/make-dist.sh

wheel: ## the Python package for any x86-64 Linux, in dist
	Scripts/install-dependencies.sh dist
	Scripts/make-wheel.sh

lint: ## formatting, what libraries must not do, and the OpenCL kernels compiled alone
	$(SWIFT) format lint --strict -r $(SWIFT_SOURCES)
	Scripts/lint-libraries.sh --self-test
	Scripts/lint-libraries.sh
	Scripts/lint-kernels.sh

format: ## format all Swift sources in place
	$(SWIFT) format --in-place -r $(SWIFT_SOURCES)

bench: build ## compare the devices of this machine
	.build/release/cka-bench

bench-peers: build .venv-peers/complete ## compare with what people would run instead
	.build/release/cka-bench --peers

paper: ## train the paper's networks on Fashion-MNIST and ask its questions: Examples/fashion/RESULTS.md
	Scripts/install-dependencies.sh paper
	$(MAKE) build .venv-paper/complete
	Scripts/link-library.sh .build/release .build/libcka.so
	CKAKIT_LIBRARY=.build/libcka.so PYTHONPATH=Python/src .venv-paper/bin/python Examples/fashion/study.py --output paper

# Python with what its requirements name. PyTorch's own CPU build is smaller; where the package index does not have it, the
# common one does as well.
.venv-peers/complete: Benchmarks/Peers/requirements.txt
.venv-paper/complete: Examples/fashion/requirements.txt
.venv-%/complete:
	python3 -m venv .venv-$*
	.venv-$*/bin/pip install --quiet 'torch==2.13.0+cpu' || .venv-$*/bin/pip install --quiet 'torch==2.13.0'
	.venv-$*/bin/pip install --quiet -r $<
	touch $@

docs: ## the reference of the library, in .build/documentation.doccarchive
	$(SWIFT) package --allow-writing-to-directory $(REFERENCE) generate-documentation --warnings-as-errors \
	  --enable-experimental-combined-documentation --output-path $(REFERENCE) \
	  $(addprefix --target ,Activations ActivationFiles Device DeviceRegistry CKA Statistics Analyses Inputs SweepStore \
	    Results Figures Report ResultFigures)

install-dependencies: ## the libraries that are missing, with apt-get
	Scripts/install-dependencies.sh demo

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 26
