PYTHON ?= $(or $(shell command -v python3.11),python3)
DATA ?= ../shared/data
BIN := .venv/bin
OUT := build

.PHONY: demo test lint types check bench bench-try bench-denoise bench-guard bench-repair bench-regions bench-clicks bench-extend \
    bench-priors bench-stopping bench-speed bench-same figures tutorials docs clean

demo: .venv/ready
	@mkdir -p $(OUT)
	$(BIN)/audioprior denoise samples/guitar_vinyl.flac -o $(OUT)/guitar_vinyl.denoise.flac \
	    --removed $(OUT)/guitar_vinyl.removed.flac --report $(OUT)/guitar_vinyl.html --force
	@echo "Listen to $(OUT)/guitar_vinyl.denoise.flac, or open $(OUT)/guitar_vinyl.html in a browser."

test: check
	$(BIN)/pytest

check: lint types

lint: .venv/ready
	$(BIN)/ruff check src tests bench samples examples docs
	$(BIN)/ruff format --check src tests bench samples examples docs

types: .venv/ready
	$(BIN)/mypy

# Measures over the recordings in $(DATA) and writes bench/RESULTS.md; what is finished is kept in build/bench. Each bench's
# head says its protocol: `python -m bench.denoise --help`.
bench: .venv/ready
	$(BIN)/python -m bench.denoise --data $(DATA) --set white5
	$(BIN)/python -m bench.denoise --data $(DATA) --set quick

# One clip through every bench, in minutes: whether they run. Prints, and writes nothing.
bench-try: .venv/ready
	$(BIN)/python -m bench.denoise --data $(DATA) --set white5 --clips lj --systems fast,free
	$(BIN)/python -m bench.guard --data $(DATA) --clips lj
	$(BIN)/python -m bench.repair --data $(DATA) --clips lj --gaps 10 --columns 2 --levels 10
	$(BIN)/python -m bench.regions --data $(DATA) --clips lj --regions 1 --priors nmf,free
	$(BIN)/python -m bench.clicks --data $(DATA) --clips lj
	$(BIN)/python -m bench.extend --data $(DATA) --clips lj
	$(BIN)/python -m bench.priors --data $(DATA) --clips lj --priors blindspot --seeds 1
	$(BIN)/python -m bench.stopping --data $(DATA) --clips lj --priors recurrent
	$(BIN)/python -m bench.speed --data $(DATA) --sections machine --print-only

# The same over every clip with every noise at every level: hours. `make bench-denoise SET=quick` is the daily one.
bench-denoise: .venv/ready
	$(BIN)/python -m bench.denoise --data $(DATA) --set $(or $(SET),full)

# What real and dense recordings lose of their noise and of their sound: four minutes.
bench-guard: .venv/ready
	$(BIN)/python -m bench.guard --data $(DATA)

# Gaps and clipping: two hours.
bench-repair: .venv/ready
	$(BIN)/python -m bench.repair --data $(DATA)

# Covered regions: five minutes.
bench-regions: .venv/ready
	$(BIN)/python -m bench.regions --data $(DATA)

bench-clicks: .venv/ready
	$(BIN)/python -m bench.clicks --data $(DATA)

bench-extend: .venv/ready
	$(BIN)/python -m bench.extend --data $(DATA)

# Time and memory: half an hour on an idle machine.
bench-speed: .venv/ready
	$(BIN)/python -m bench.speed --data $(DATA)

# Every prior in one seat: half an hour, most of it the slow networks'.
bench-priors: .venv/ready
	$(BIN)/python -m bench.priors --data $(DATA)

# Every stopping rule against an oracle, in the same seat.
bench-stopping: .venv/ready
	$(BIN)/python -m bench.stopping --data $(DATA)

# Hashes of what every task and preset makes; compares them with BEFORE, a file that it wrote on another commit.
bench-same: .venv/ready
	@mkdir -p $(OUT)/bench
	$(BIN)/python -m bench.same > $(OUT)/bench/same.json
	$(if $(BEFORE),$(BIN)/python -m bench.same $(BEFORE) $(OUT)/bench/same.json)

# Draws the README's pictures and curve again.
figures: .venv/ready
	$(BIN)/python -m bench.figures

# Draws the tutorials' pictures and writes their sounds again.
tutorials: .venv/ready
	$(BIN)/python docs/draw.py

# Pages that are written from the code are written first.
docs: .venv/ready
	$(BIN)/python docs/generate.py
	$(BIN)/python -m pip install -q -c constraints.txt --group docs
	$(BIN)/zensical build --strict

# pip is raised first: --group needs 25.1. torch comes before the rest, so that nothing else chooses its build.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -U "pip>=25.1"
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[all]" --group dev
	@touch $@

clean:
	rm -rf .venv build dist site
