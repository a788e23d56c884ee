# Shared by the scripts beside it: finds what they need, installs what is missing, stops what they started.
# To be sourced, with `set -euo pipefail` already on. Quiet when nothing is missing.
# shellcheck shell=bash

LOCAL_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT_DIR="$(cd "$LOCAL_DIR/../.." && pwd)"
OLDEST_POSTGRES=15

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# --- Rust and its tools ---------------------------------------------------------------------------------------------

need_rust() {
    # Where rustup and `cargo install` put programs; a shell opened before rustup ran does not have it on its path.
    PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin"
    command -v cargo >/dev/null || die "there is no Rust here (no cargo on the path).
Install it with rustup; it then fetches the version named in rust-toolchain.toml by itself."

    local wanted found
    wanted="$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$ROOT_DIR/rust-toolchain.toml")"
    found="$(cd "$ROOT_DIR" && cargo --version)" || die "cargo does not run here. Try: rustup toolchain install $wanted"
    found="${found#cargo }"
    found="${found%% *}"
    # A distribution's cargo ignores rust-toolchain.toml and would fail much later, with a riddle.
    at_least "$found" "$wanted" || die "cargo $found is too old; this workspace needs $wanted. Install it with rustup."
}

# need_cargo_tool NAME VERSION: installs a cargo subcommand when there is none. Fails, without ending the script, when
# it cannot.
need_cargo_tool() {
    cargo "${1#cargo-}" --version >/dev/null 2>&1 && return
    say "Installing $1 $2 (once; takes some minutes) ..."
    # Not into our target directory: a build of another tree there would only be in the way.
    env -u CARGO_TARGET_DIR cargo install "$1" --version "$2" --locked --quiet
}

# --- Programs of the system ------------------------------------------------------------------------------------------

# Makes sure of a C compiler, the PostgreSQL server programs and nats-server; all that is missing is installed in one
# go. Sets POSTGRES_BIN and VCARE_NATS_SERVER, and puts both on the path for what is started from here.
need_system_programs() {
    local packages=()
    find_c_compiler || packages+=(gcc libc6-dev)
    find_postgres || packages+=(postgresql)
    find_nats || packages+=(nats-server)
    if ((${#packages[@]})); then
        install_packages "${packages[@]}"
        find_c_compiler || die "there is still no working C compiler (cc)."
        find_postgres || die "there is still no PostgreSQL $OLDEST_POSTGRES or newer. This system's package is too old, it seems;
install a newer one by hand. Its programs initdb and postgres are looked for on the path and in /usr/lib/postgresql."
        find_nats || die "there is still no nats-server. Install one by hand and put it on the path."
    fi
    export PATH="$POSTGRES_BIN:$PATH" VCARE_NATS_SERVER
}

# What only tests need: Lua and jq, for what we ship to run inside Jitsi; Python, for the servers that play a cloud KMS;
# Chromium for the waiting room's page, and acorn to read its script as an old phone does; Prometheus, of which tests start one of
# their own.
need_test_programs() {
    local packages=()
    has_venv || packages+=(python3 python3-venv)
    command -v lua5.4 >/dev/null || packages+=(lua5.4)
    command -v jq >/dev/null || packages+=(jq)
    command -v curl >/dev/null || packages+=(curl)
    command -v chromium >/dev/null || packages+=(chromium)
    command -v acorn >/dev/null || packages+=(node-acorn)
    command -v prometheus >/dev/null || packages+=(prometheus)
    if ((${#packages[@]})); then install_packages "${packages[@]}"; fi
    need_faketime
}

# Debian's libfaketime, which gives single processes a wrong clock.
need_faketime() { command -v faketime >/dev/null || install_packages faketime; }

# What reads our rules for Prometheus, and jq for the dashboard. Debian has promtool in the package of the server, which is
# not started.
need_promtool() {
    local packages=()
    command -v promtool >/dev/null || packages+=(prometheus)
    command -v jq >/dev/null || packages+=(jq)
    if ((${#packages[@]})); then install_packages "${packages[@]}"; fi
    command -v promtool >/dev/null || die "there is still no promtool."
}

# Debian keeps a part of Python's own library in a package of its own.
has_venv() { system_python -c 'import venv, ensurepip' 2>/dev/null; }

# The system's Python rather than whichever is first on the path: versions that a person switches are not ours to use.
system_python() {
    local python=/usr/bin/python3
    [[ -x $python ]] || python=python3
    "$python" "$@"
}

# Makes sure of the servers that play AWS KMS in tests. Sets VCARE_TEST_KMS.
need_test_kms() {
    need_python_programs test-kms deploy/test-kms
    export VCARE_TEST_KMS="$PYTHON_PROGRAMS"
}

# need_python_programs NAME DIR: makes sure of Python programs, each in an environment of its own, with the versions that
# stand in DIR's lists. Kept between runs, and made anew when a version changes. Sets PYTHON_PROGRAMS to their folder.
need_python_programs() {
    has_venv || install_packages python3 python3-venv
    local cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/vcare" versions name list
    versions="$(cat "$ROOT_DIR/$2"/*.txt | cksum | cut -d' ' -f1)"
    PYTHON_PROGRAMS="$cache/$1-$versions"
    mkdir -p "$PYTHON_PROGRAMS"
    for list in "$ROOT_DIR/$2"/*.txt; do
        name="$(basename "$list" .txt)"
        [[ ! -e $PYTHON_PROGRAMS/$name/complete ]] || continue
        say "Installing $name (once) ..."
        # Two runs at once: one installs, the other waits for it. An environment cannot be moved, so it is made in its
        # place and marked when it is whole.
        (
            flock 9
            [[ -e $PYTHON_PROGRAMS/$name/complete ]] || install_python_programs "$PYTHON_PROGRAMS/$name" "$list"
        ) 9>"$PYTHON_PROGRAMS/$name.lock" || die "$name could not be installed, see above."
    done
}

# Makes sure of the upload client from npm that some tests drive. Sets VCARE_TEST_TUS.
need_test_tus() {
    need_npm_programs test-tus
    export VCARE_TEST_TUS="$NPM_PROGRAMS"
}

# Makes sure of the OpenID provider from npm that plays Keycloak in tests. Sets VCARE_TEST_OIDC.
need_test_oidc() {
    need_npm_programs test-oidc
    export VCARE_TEST_OIDC="$NPM_PROGRAMS"
}

# Makes sure of the official Pact verifier that some tests hold the service to. Sets VCARE_TEST_PACT.
need_test_pact() {
    need_python_programs test-pact deploy/test-pact
    export VCARE_TEST_PACT="$PYTHON_PROGRAMS"
}

# need_npm_programs NAME: makes sure of packages from npm, with the versions that stand in deploy/NAME. Kept between runs, and
# made anew when a version changes. Sets NPM_PROGRAMS to where their node_modules are.
need_npm_programs() {
    need_node
    local from="$ROOT_DIR/deploy/$1" cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/vcare" versions
    versions="$(cksum <"$from/package-lock.json" | cut -d' ' -f1)"
    NPM_PROGRAMS="$cache/$1-$versions"
    [[ ! -e $NPM_PROGRAMS/complete ]] || return 0
    mkdir -p "$NPM_PROGRAMS"
    say "Installing the packages of deploy/$1 from npm (once) ..."
    (
        flock 9
        [[ ! -e $NPM_PROGRAMS/complete ]] || exit 0
        cp "$from"/package*.json "$NPM_PROGRAMS"
        npm ci --prefix "$NPM_PROGRAMS" --no-audit --no-fund --ignore-scripts --silent >&2
        touch "$NPM_PROGRAMS/complete"
    ) 9>"$NPM_PROGRAMS.lock" || die "the packages of deploy/$1 could not be installed, see above."
}

# install_python_programs DIR LIST: an environment in DIR with the packages in LIST, and no others.
install_python_programs() {
    local pip=("$1/bin/pip" --quiet --disable-pip-version-check install --no-deps --use-pep517 --requirement "$2")
    rm -rf "$1" && system_python -m venv "$1" && "${pip[@]}" >&2 && touch "$1/complete"
}

# `ring` is partly C, and rustc links through cc.
find_c_compiler() {
    command -v cc >/dev/null && echo '#include <stdlib.h>' | cc -E - >/dev/null 2>&1
}

# build_programs [CARGO ARGUMENTS...]: all programs of the workspace, into its target folder.
build_programs() { run cargo build --workspace --locked ${PROGRAMS_AS_FOR_TESTS:+--bins --tests} "$@"; }

# count_lines NAME: from here on cargo builds our own crates so that they count which of their lines are run, and they leave
# what they counted in COVERAGE, which this sets, under that name. Dependencies are those of every build, and a build without
# counters stays beside.
#
# The programs are those that were built for the tests, with the features that tests need of dependencies.
count_lines() {
    export PROGRAMS_AS_FOR_TESTS=1
    COVERAGE="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-$ROOT_DIR/target}")/coverage"
    export COVERAGE RUSTC_WORKSPACE_WRAPPER="$ROOT_DIR/deploy/coverage/rustc"
    # Two files for each program (%2m), shared by all its processes. They are mapped (%c), not written at the end: what a
    # process did before it was killed counts.
    export LLVM_PROFILE_FILE="$COVERAGE/$1/%2m%c"
}

# The tools that read what was counted, of the LLVM that the compiler has: rustup's, which needs no root, else the system's.
# Sets LLVM_BIN.
need_llvm() {
    find_llvm && return
    say "Installing llvm-tools (once) ..."
    if rustup component add llvm-tools >/dev/null 2>&1 && find_llvm; then return; fi
    install_packages "llvm-$(llvm_major)"
    find_llvm || die "there is still no llvm-cov $(llvm_major)."
}

llvm_major() { rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p'; }

find_llvm() {
    local host bin
    host="$(rustc -vV | sed -n 's/^host: //p')"
    for bin in "$(rustc --print sysroot)/lib/rustlib/$host/bin" "/usr/lib/llvm-$(llvm_major)/bin"; do
        [[ -x $bin/llvm-cov && -x $bin/llvm-profdata ]] || continue
        export LLVM_BIN="$bin"
        return 0
    done
    return 1
}

# For programs from npm.
need_node() {
    has_node && return
    install_packages nodejs npm
    has_node || die "there is still no node, or no npm."
}

has_node() { command -v node >/dev/null && command -v npm >/dev/null; }

# The one on the path if it is new enough, else the newest of the system's: Debian keeps these programs off the path.
find_postgres() {
    local candidates=() program bin version
    if program="$(command -v initdb)"; then candidates+=("$(dirname "$(readlink -f "$program")")"); fi
    while IFS= read -r bin; do candidates+=("$bin"); done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV)
    for bin in "${candidates[@]}"; do
        [[ -x $bin/initdb && -x $bin/postgres ]] || continue
        version="$("$bin/postgres" --version | sed 's/^[^0-9]*\([0-9.]*\).*/\1/')"
        at_least "$version" "$OLDEST_POSTGRES" || continue
        POSTGRES_BIN="$bin"
        return 0
    done
    return 1
}

# Debian has it in /usr/sbin, which is not on everybody's path.
find_nats() {
    VCARE_NATS_SERVER="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "${VCARE_NATS_SERVER:-nats-server}")"
}

install_packages() {
    local command=("$LOCAL_DIR/install-packages" "$@")
    command -v apt-get >/dev/null || die "these are missing: $*
They are installed by themselves only on Debian and its relatives. Install them by your system's means:
a C compiler, PostgreSQL $OLDEST_POSTGRES or newer (server), nats-server; for the tests Lua 5.4, jq, curl, Chromium, acorn
and Python 3 with its venv module."
    if ((EUID == 0)); then
        "${command[@]}" || die "the installation failed, see above. Nothing else was done; try again, or by hand: $*"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "${command[@]}" || die "the installation failed, see above. Nothing else was done; try again, or by hand: $*"
    else
        die "these packages are missing: $*
Installing them needs root, and this script does not ask for passwords. Run this once, then start again:

    sudo$(printf ' %q' "${command[@]}")
"
    fi
}

# at_least VERSION MINIMUM
at_least() { [[ "$(printf '%s\n' "$1" "$2" | sort -V | head -n1)" == "$2" ]]; }

# --- What is started, and stopped ------------------------------------------------------------------------------------

# run COMMAND...: like the command itself, but in a process group of its own, so that stop_running ends it with all it
# started. (With a plain foreground command the shell would sit on a signal until the command is done.)
# pdeathsig: should this shell be killed outright, the kernel tells the command.
RUNNING=
run() {
    set -m
    setpriv --pdeathsig TERM "$@" </dev/null &
    RUNNING=$!
    set +m
    local code=0
    wait "$RUNNING" || code=$?
    RUNNING=
    return "$code"
}

stop_running() {
    [[ -n $RUNNING ]] || return 0
    kill -TERM -- "-$RUNNING" 2>/dev/null || true
    wait "$RUNNING" 2>/dev/null || true
    RUNNING=
}

# start_postgres DIR: a cluster of our own under DIR (which exists and is empty), on a free port of the loopback. Sets
# POSTGRES_PORT; the superuser is `postgres`, and asks for no password, as nothing in it is worth one.
# Everything that makes it safe against a power cut is off: it lives for one test run.
POSTGRES_PID=
start_postgres() {
    local dir="$1" as=() settings attempt
    if ((EUID == 0)); then
        # PostgreSQL refuses to run as root.
        getent passwd postgres >/dev/null || die "PostgreSQL does not run as root, and there is no user 'postgres' to run it as."
        as=(setpriv --reuid postgres --regid postgres --clear-groups)
        chown postgres:postgres "$dir"
    fi
    "${as[@]}" "$POSTGRES_BIN/initdb" --pgdata "$dir/data" --username postgres --auth trust \
        --encoding UTF8 --locale C.UTF-8 --no-sync --no-instructions >"$dir/initdb.log" 2>&1 \
        || { cat "$dir/initdb.log" >&2; die "initdb failed, see above."; }

    settings=(
        -c listen_addresses=127.0.0.1 -c unix_socket_directories=
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off
        -c max_connections=200 -c shared_buffers=64MB
    )
    for attempt in 1 2 3 4 5; do
        # Below the range from which the kernel serves outgoing connections; if it is taken all the same, another one.
        POSTGRES_PORT=$((20000 + RANDOM % 12000))
        set -m
        "${as[@]}" setpriv --pdeathsig INT "$POSTGRES_BIN/postgres" -D "$dir/data" -p "$POSTGRES_PORT" "${settings[@]}" \
            </dev/null >"$dir/postgres.log" 2>&1 &
        POSTGRES_PID=$!
        set +m
        for _ in {1..600}; do
            grep -qs '^ready' "$dir/data/postmaster.pid" && return 0
            kill -0 "$POSTGRES_PID" 2>/dev/null || break
            sleep 0.05
        done
        stop_postgres
        grep -q 'Address already in use' "$dir/postgres.log" || break
    done
    tail -n 20 "$dir/postgres.log" >&2
    die "PostgreSQL did not start, see above (attempt $attempt)."
}

stop_postgres() {
    [[ -n $POSTGRES_PID ]] || return 0
    # INT: ends the sessions that are still open instead of waiting for them.
    kill -INT "$POSTGRES_PID" 2>/dev/null || true
    wait "$POSTGRES_PID" 2>/dev/null || true
    POSTGRES_PID=
}
