# SPDX-License-Identifier: GPL-2.0-only
# Programs for every data model of x86-64, each in OUTPUT/MODEL:
#
#   PROGS := names, made of NAME.c
#   include models.mk

MODELS ?= lp64 ia32 x32
CC_lp64 := gcc
CC_ia32 := i686-linux-gnu-gcc
CC_x32 := x86_64-linux-gnux32-gcc

OUTPUT ?= .
ROOT := $(dir $(lastword $(MAKEFILE_LIST)))../../..
UAPI := $(ROOT)/include/uapi
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -static
CPPFLAGS += -I$(UAPI)

all: $(foreach m,$(MODELS),$(addprefix $(OUTPUT)/$m/,$(PROGS)))

define model_rule
$(OUTPUT)/$1/%: %.c $(wildcard *.h */*.h) $(wildcard $(UAPI)/linux/*.h)
	@mkdir -p $$(@D)
	$$(CC_$1) $$(CFLAGS) $$(CPPFLAGS) -o $$@ $$<
endef
$(foreach m,$(MODELS),$(eval $(call model_rule,$m)))

.PHONY: all
