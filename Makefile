# make demo   two nodes, a client and a failover on this machine, in private namespaces
# make test   everything is tested; as root (or with sudo) the peers are installed first

VENV    := .venv
PYTHON  := $(VENV)/bin/python
STAMP   := $(VENV)/.installed
TOOLS   := $(VENV)/.tools
SOURCES := hanode tests twisted benchmarks
TRIAL   := $(PYTHON) -m twisted.trial

# What the live tests run against: Debian's packages, by the program that each brings.
PEERS := keepalived:keepalived tshark:tshark ip:iproute2 ping:iputils-ping \
         arping:iputils-arping rsvg-convert:librsvg2-bin \
         bird:bird2 vtysh:frr nft:nftables ipvsadm:ipvsadm linux.uml:user-mode-linux \
         modprobe:kmod cc:gcc ssh:openssh-client chromium:chromium \
         chromedriver:chromium-driver mandoc:mandoc man:man-db zsh:zsh

.PHONY: demo test peers lint types coverage bench clean
.DEFAULT_GOAL := demo

demo: $(STAMP)
	@$(VENV)/bin/hanode lab --fast

test: $(STAMP) peers
	@$(PYTHON) tests/run.py

# Installs what is missing, if it may; otherwise the live tests say what they lack.
# They start routers of their own in namespaces: the one that a package that came just
# now has started for the whole machine is stopped, and stays so.
peers:
	@missing=; for each in $(PEERS); do \
	    PATH="$$PATH:/usr/sbin:/sbin" command -v "$${each%%:*}" >/dev/null \
	    || missing="$$missing $${each#*:}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	    echo "not installed:$$missing (no apt-get here)"; exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then root=; \
	elif sudo -n true 2>/dev/null; then root="sudo -n"; \
	else echo "not installed:$$missing (neither root nor sudo)"; exit 0; fi; \
	echo "installing$$missing"; \
	apt="$$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"; \
	{ $$apt install -y --no-install-recommends $$missing >/dev/null 2>&1 \
	  || { $$apt update && $$apt install -y --no-install-recommends $$missing >/dev/null; }; } \
	|| { echo "could not install$$missing"; exit 0; }; \
	for each in bird2:bird frr:frr; do case "$$missing " in *" $${each%:*} "*) \
	    $$root systemctl disable --now "$${each#*:}" >/dev/null 2>&1 \
	    || $$root service "$${each#*:}" stop >/dev/null 2>&1 || true;; \
	esac; done

# The newest Python from 3.11 on that can make a virtual environment.
$(PYTHON):
	@for each in python3.13 python3.12 python3.11 python3; do \
	    if $$each -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	        2>/dev/null; then exec $$each -m venv $(VENV); fi; \
	done; \
	echo "hanode needs Python 3.11 or newer with venv (Debian, Ubuntu:" \
	     "apt install python3 python3-venv)" >&2; exit 1

# editable_mode=compat: twistd finds its plug-ins only on the path itself.
$(STAMP): setup.cfg pyproject.toml | $(PYTHON)
	@echo "installing hanode into $(VENV)"
	@$(PYTHON) -m pip install -q --disable-pip-version-check \
	    --config-settings editable_mode=compat -e '.[test]'
	@touch $@

$(TOOLS): $(STAMP)
	@$(PYTHON) -m pip install -q --disable-pip-version-check \
	    'ruff>=0.6' 'import-linter>=2.0' 'mypy>=1.10' 'mypy-zope>=1.0'
	@touch $@

lint: $(TOOLS)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/ruff check --select E,F,W,I,B,UP,SIM,C901 $(SOURCES)
	$(VENV)/bin/lint-imports

types: $(TOOLS)
	$(VENV)/bin/mypy

coverage: $(STAMP)
	$(VENV)/bin/coverage run -m twisted.trial tests
	$(VENV)/bin/coverage report --skip-covered

bench: $(STAMP)
	@for each in failover scale thousand sessions dataplane together checks balance looking scripts notify authentication; do \
	    echo "== $$each"; $(PYTHON) -m benchmarks.$$each || exit 1; done

clean:
	rm -rf $(VENV) .tox build dist *.egg-info _trial_temp* .coverage* .hypothesis \
	    .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
