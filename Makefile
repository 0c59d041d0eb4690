# Every task of the project. `make help` lists them; CI and the workflows call the same ones.
.DEFAULT_GOAL := help
.PHONY: help book serve test lint unit notebooks check colab-test site-test trust links lab chapters bench print offline clean

PORT ?= 8000
ENV := .venv
BOOK_ENV := .venv-book
READY := $(ENV)/.ready
BOOK_READY := $(BOOK_ENV)/.ready
NBVAL := $(ENV)/bin/python -m pytest --nbval --nbval-current-env -n 2 --dist loadfile --override-ini addopts= --override-ini filterwarnings=default
CHANGED = $(wildcard chapters/0$(CHAPTER:0%=%)_*.ipynb)
HTML := book/_build/html
SCHEMA = $(ENV)/bin/check-jsonschema --quiet --builtin-schema vendor

# The newest suitable Python; override with `make test PYTHON=python3.12`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null && echo $$p && break; done)

# Real data for the tests that want it, where a copy lies beside the checkout.
ifneq ($(wildcard ../shared/data/SHA256SUMS),)
export TXLIB_TEST_DATA ?= $(abspath ../shared/data)
endif

# Two cores are steadier with one thread each; a user's own setting wins.
export OMP_NUM_THREADS ?= 1

help: ## list the tasks
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): requirements.txt book/requirements.txt constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found: install one, or say PYTHON=/path/to/python."; exit 1; }
	$(PYTHON) -m venv $(ENV)
	$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(BOOK_READY): book/requirements.txt constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found: install one, or say PYTHON=/path/to/python."; exit 1; }
	$(PYTHON) -m venv $(BOOK_ENV)
	$(BOOK_ENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r book/requirements.txt
	@touch $@

book: $(BOOK_READY) ## build the website; warnings are errors; needs no torch
	@$(BOOK_ENV)/bin/jupyter-book build . --all --config book/_config.yml --toc book/_toc.yml --path-output book -W --keep-going --quiet || { rm -rf book/_build; exit 1; } # whole: pages name each other
	@echo "The front page: $(CURDIR)/$(HTML)/index.html"

serve: book ## serve the website on http://localhost:8000 (PORT=…)
	$(BOOK_ENV)/bin/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(HTML)

test: lint unit notebooks colab-test site-test ## run everything that CI runs

lint: $(READY) ## style, formatting, spelling, workflows, forms
	$(ENV)/bin/ruff check .
	$(ENV)/bin/ruff format --check .
	$(ENV)/bin/codespell
	$(ENV)/bin/zizmor --quiet --offline --strict-collection .github
	$(SCHEMA).github-workflows .github/workflows/*.yml
	$(SCHEMA).github-issue-forms .github/ISSUE_TEMPLATE/mistake.yml .github/ISSUE_TEMPLATE/notebook.yml
	$(SCHEMA).github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA).citation-file-format CITATION.cff

unit: $(READY) ## the library's tests
	$(ENV)/bin/python -m pytest -m "not site and not chapters" --ignore tests/benchmarks --ignore tests/colab -n 2 --dist loadfile

notebooks: $(READY) ## the form of every notebook, then every notebook run anew and compared with what is committed
	$(ENV)/bin/python -m pytest tests/chapters
	$(NBVAL) chapters book/widgets.ipynb book/speed.ipynb book/promises.ipynb

check: $(READY) ## did a change break chapter 3? make check CHAPTER=3
	@test -n "$(CHAPTER)" -a -f "$(CHANGED)" || { echo "Say which chapter, such as: make check CHAPTER=3"; exit 1; }
	$(ENV)/bin/python book/_tools/refresh.py $(CHANGED)
	$(ENV)/bin/python -m pytest -q tests/chapters
	$(NBVAL) $(CHANGED)
	@git --no-pager diff --stat -- $(CHANGED)
	@echo "Chapter $(CHAPTER) holds. See it with: make serve"

colab-test: $(READY) ## every chapter alone, as on Colab: the course as a wheel, no checkout, no network
	$(ENV)/bin/python -m pytest tests/colab -n 2 --maxschedchunk 1

site-test: $(READY) book ## the built website in a real browser
	$(ENV)/bin/python -m pytest tests/site -m site -n 2

trust: $(READY) book ## try hard to break it all, for an hour; writes the counts to book/results/
	TXLIB_TRUST=long TXLIB_TRUST_RECORD=book/results/trust.json $(ENV)/bin/python -m pytest tests/trust tests/site/trust tests/site/pages/test_policy.py tests/site/pages/test_leaks.py tests/site/pages/test_html.py

links: $(BOOK_READY) ## ask every link of the book whether it still answers; needs a network
	$(BOOK_ENV)/bin/jupyter-book build . --all --builder linkcheck --config book/_config.yml --toc book/_toc.yml --path-output dist/links --quiet

lab: $(READY) ## open the chapters in JupyterLab
	$(ENV)/bin/jupyter lab chapters

chapters: $(READY) ## re-execute the notebooks that changed, and normalise them
	$(ENV)/bin/python book/_tools/refresh.py

bench: $(READY) ## measure speed and memory, as ratios; writes book/results/
	$(ENV)/bin/python -m pytest tests/benchmarks -s

print: $(READY) book ## the whole book as one PDF: dist/attention-in-order.pdf
	$(ENV)/bin/python book/_tools/print_book.py

offline: $(READY) book ## site, notebooks and packages in one zip for a USB stick (SMALL=1, PLATFORMS="windows mac", PYTHONS="3.12")
	$(ENV)/bin/python book/_tools/offline.py $(if $(SMALL),--small) $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(PYTHONS),--pythons $(PYTHONS))

clean: ## remove what was built (the environments too)
	rm -rf $(ENV) $(BOOK_ENV) book/_build artifacts dist runs .pytest_cache .ruff_cache .hypothesis
