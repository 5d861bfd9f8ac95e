# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Thin front of meson and ninja; `make help` lists what there is.
BUILD := build

.PHONY: help deps deps-dev build demo check conform prove sim sim-inject mutants torture vm vm-bench bench bench-instr fuzz format install clean

help:
	@echo "make deps    install what the build needs (Debian packages), only what is missing"
	@echo "make build   build/srptd, build/srptctl, build/srp, build/libsrp.so"
	@echo "make demo    start the demo target, log in, write and verify 64 MiB, a short bench, stop"
	@echo "make check   all tests: units, integration, sanitizers, format, lint, layers"
	@echo "make conform is it an SRP target and a SCSI disk? URL=srp://... tests that LUN (ARGS=--yes-destroy-data: all of it)"
	@echo "make prove   walk every state of a channel and its environment (1 to 2 minutes)"
	@echo "make sim     the whole target on a virtual clock; SEEDS=n runs seeds 1 to n (default 1000), SEED=s shows the run of one"
	@echo "make sim-inject  a script of the simulator in which each call fails in turn; NTH=n shows the run in which call n does"
	@echo "make mutants put known bugs into copies of the target and see that each is noticed (10 minutes)"
	@echo "make vm      log in with Linux' ib_srp in a virtual machine; VM='NAME...' runs only these scenarios"
	@echo "make vm-bench srptd and the kernel's own target over soft RoCE in a virtual machine; prints one table"
	@echo "make bench   compare with bare sockets, tgt, nbdkit and qemu-storage-daemon (10 minutes); one table, also in docs/benchmarks; QUICK=1: a part of it"
	@echo "make bench-instr count the instructions per 4 KiB read and write; fails when they grew by more than 5 %"
	@echo "make fuzz    run every fuzz target; SECS=n seconds each (default 10)"
	@echo "make torture storms of logins, every call failing in turn; TORTURE_N=n logins a storm (default 100000)"
	@echo "make format  clang-format all sources"
	@echo "make install install to PREFIX (default /usr/local)"

deps:
	@scripts/deps build

deps-dev:
	@scripts/deps dev

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) -Dbuildtype=release -Doptimization=2 -Dtests=auto

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD)

demo: build
	@scripts/demo $(BUILD)

check: deps-dev
	@scripts/check

conform: build
	@tests/conform/run $(BUILD) $(ARGS) $(URL)

prove: build
	@$(BUILD)/prove/prove

mutants: deps
	@scripts/mutants

sim: build
ifdef SEED
	@$(BUILD)/sim/sim $(if $(KIND),--kind $(KIND)) -v $(SEED)
else
	@$(BUILD)/sim/sim $(if $(KIND),--kind $(KIND)) --seeds 1..$(or $(SEEDS),1000) --jobs $$(nproc) \
		--regressions sim/regressions.txt --cover sim/unreachable.txt --strict
endif

sim-inject: build
ifdef NTH
	@$(BUILD)/sim/sim --inject -v $(NTH)
else
	@$(BUILD)/sim/sim --inject --jobs $$(nproc)
endif

# 77 says that this machine cannot have the lab, which is no failure.
vm: build
	@scripts/deps vm || true
	@tests/vm/run $(BUILD) $(VM) || [ $$? -eq 77 ]

vm-bench: build
	@scripts/deps vm || true
	@tests/vm/run -v $(BUILD) lio || [ $$? -eq 77 ]

bench: build
	@scripts/deps bench || true
	@bench/run $(BUILD) $(if $(QUICK),--quick,--out docs/benchmarks)

# Optimised like a release, with the names that the count is told by.
build-instr/build.ninja: | deps
	@meson setup build-instr -Dbuildtype=release -Doptimization=2 -Ddebug=true -Dtests=disabled

bench-instr: build-instr/build.ninja
	@command -v valgrind >/dev/null || scripts/deps bench
	@ninja -C build-instr bench/instr
	@bench/instr.py build-instr

fuzz: deps-dev
	@scripts/fuzz $(or $(SECS),10)

torture: deps-dev
	@scripts/torture

format: deps-dev
	@git ls-files '*.c' '*.h' | xargs clang-format -i

install: build
	@meson install -C $(BUILD)

clean:
	@rm -rf build build-*
