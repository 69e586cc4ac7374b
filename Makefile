# SPDX-License-Identifier: GPL-2.0-only
# Verbs only. What the module is made of stands in the Kbuild files, what a
# verb does to test it in tools/testing.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
KERNEL ?=
TEST ?=
SEED ?=
TIME ?=
INPUT ?=

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
SOURCE := /usr/src/xxshm-$(VERSION)
DKMS_ID := -m xxshm -v $(VERSION)

# The compiler that the kernel was built with.
LLVM_IF_CLANG := $(shell grep -qs '^CONFIG_CC_IS_CLANG=y' '$(KDIR)/include/config/auto.conf' && \
		   echo LLVM=1)

modules: place headers
	$(MAKE) -C '$(KDIR)' M='$(CURDIR)' $(LLVM_IF_CLANG) modules

help:
	@echo 'Without touching this machine'"'"'s kernel:'
	@echo '  make demo       watch the module at work in a virtual machine'
	@echo '  make check      run the tests in virtual machines'
	@echo '                  KERNEL=6.1|6.12|newest|7.3  on one kernel only'
	@echo '                  TEST="mmap ..."  some of them only; TEST=list names them'
	@echo '                  SEED=NUMBER      repeat a random walk (TEST=walk)'
	@echo '  make check-debug'
	@echo '                  most of it on kernels that watch accesses and locks, let'
	@echo '                  allocations fail, and look for leaks and races; builds'
	@echo '                  these kernels first, once, in ~/.cache/xxshm'
	@echo '                  KERNEL=debug|kcsan, TEST=, SEED= as above'
	@echo '  make check-matrix'
	@echo '                  boot each kernel that xxshm claims to work on, and write'
	@echo '                  what passed to Documentation/kernels.csv'
	@echo '  make coverage   report which lines of the module the tests executed'
	@echo '  make fuzz       make calls at random that lead to new places in the module,'
	@echo '                  TIME=SECONDS (600), KERNEL=debug|kcsan|6.1|6.12, SEED=,'
	@echo '                  INPUT=FILE to repeat one that was found, and print it'
	@echo '  make fuzz-others'
	@echo '                  let trinity and stress-ng have a go at the device'
	@echo '  make soak       walk through the accounting and the pages at random while'
	@echo '                  memory is short, TIME=SECONDS (3600),'
	@echo '                  KERNEL=debug|6.1|6.12, SEED='
	@echo '  make bench      count instructions of xxshm beside memfd, hugetlb, tmpfs ...,'
	@echo '                  KERNEL=6.1|6.12'
	@echo '  make bench-page the same on both, for the page in Documentation/bench'
	@echo '  make style      run checkpatch, sparse, W=1, kernel-doc and shellcheck'
	@echo
	@echo 'On this machine'"'"'s kernel ($(KVER)):'
	@echo '  make            build drivers/xxshm/xxshm.ko'
	@echo '  make install    as root: build and install it through DKMS, which'
	@echo '                  does so again for every kernel that comes later'
	@echo '                  KVER=RELEASE  for another installed kernel'
	@echo '                  KDIR=FOLDER   (make only) headers that lie elsewhere'
	@echo '  make uninstall  as root: take it away again, from all kernels'
	@echo
	@echo '  make clean      remove what was built here'

# What builds in this folder asks first; what copies the sources elsewhere need not.
place:
	@tools/testing/lib/place

headers:
	@test -e '$(KDIR)/Makefile' || { \
	  echo 'xxshm: the headers of kernel $(KVER) are missing:'; \
	  echo '       there is no $(KDIR)'; \
	  echo 'On Debian they come with: sudo apt install linux-headers-$(KVER)'; \
	  echo 'For another kernel:       make KVER=RELEASE or make KDIR=FOLDER'; \
	  echo 'To try xxshm without:     make demo'; exit 1; } >&2

root:
	@test "$$(id -u)" = 0 || { \
	  echo 'xxshm: this changes the system: run it as root, with sudo.' >&2; \
	  exit 1; }

dkms:
	@command -v dkms >/dev/null || { \
	  echo 'xxshm: dkms is missing: sudo apt install dkms' >&2; exit 1; }

# The sources without what a build left among them. The shell expands DEST, as it
# may have any character.
export-source:
	@test -n "$$DEST" || { \
	  echo 'xxshm: say where to: make export-source DEST=FOLDER' >&2; exit 1; }
	install -p -m 644 -D -t "$$DEST" Kbuild dkms.conf COPYING
	install -p -m 755 -D -t "$$DEST" tools/dkms-keep-symvers tools/dkms-try-build
	install -p -m 644 -D -t "$$DEST/drivers/xxshm" drivers/xxshm/K* \
	  $(filter-out %.mod.c,$(wildcard drivers/xxshm/*.[ch]))
	install -p -m 644 -D -t "$$DEST/drivers/xxshm/ddi" \
	  $(filter-out %.mod.c,$(wildcard drivers/xxshm/ddi/*.[ch]))
	install -p -m 644 -D -t "$$DEST/drivers/xxshm/tests" \
	  drivers/xxshm/tests/Kbuild \
	  $(filter-out %.mod.c,$(wildcard drivers/xxshm/tests/*.c))
	install -p -m 644 -D -t "$$DEST/include/uapi/linux" include/uapi/linux/*.h
	install -p -m 644 -D -t "$$DEST/include/xxshm" include/xxshm/*.h

# DKMS keeps what it built of a version, so it has to forget that first.
install: root dkms headers
	@dkms remove $(DKMS_ID) -k $(KVER) >/dev/null 2>&1 || :
	rm -rf $(SOURCE)
	$(MAKE) --no-print-directory export-source DEST=$(SOURCE)
	dkms install $(DKMS_ID) -k $(KVER)

uninstall: root dkms
	dkms remove $(DKMS_ID) --all
	rm -rf $(SOURCE)

demo: place
	@tools/testing/demo $(if $(KERNEL),'$(KERNEL)')

check: place
	@exec env KERNEL='$(KERNEL)' TEST='$(TEST)' SEED='$(SEED)' \
	  tools/testing/check

check-debug: place
	@exec env KERNEL='$(KERNEL)' TEST='$(TEST)' SEED='$(SEED)' \
	  tools/testing/check debug

check-matrix: place
	@tools/testing/matrix

coverage: place
	@tools/testing/coverage

fuzz: place
	@tools/testing/fuzz/run -k '$(or $(KERNEL),debug)' -t '$(or $(TIME),600)' \
	  $(if $(SEED),-s '$(SEED)') $(if $(INPUT),-i "$$INPUT")

fuzz-others: place
	@tools/testing/fuzz/run -k '$(or $(KERNEL),debug)' -o

soak: place
	@exec env KERNEL='$(KERNEL)' TIME='$(TIME)' SEED='$(SEED)' \
	  tools/testing/soak/run

bench: place
	@exec env KERNEL='$(KERNEL)' tools/testing/bench/run

bench-page: place
	@exec env KERNEL= tools/testing/bench/run page

style: place
	@tools/testing/style

clean:
	rm -rf build samples/lp64 samples/ia32 samples/x32
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' \
	  -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
	  -o -name Module.symvers -o -name modules.order \) -exec rm -f {} +

.PHONY: modules help place headers root dkms export-source install uninstall \
	demo check check-debug check-matrix coverage fuzz fuzz-others soak bench bench-page \
	style clean
