# Short names for the scripts; all the knowledge is in those. `just` lists the recipes.

set positional-arguments

# list the recipes
default:
    @just --list --unsorted

# start everything on this machine and run one visit: --check, --release
demo *args:
    deploy/local/demo "$@"

# kill everything while visits run, and prove that nothing is lost or doubled: --visits N, --seed S, --minutes M
chaos *args:
    deploy/local/chaos "$@"

# how fast durable work is done, beside graphile-worker: --jobs N, --rounds R, --alone
bench-jobs *args:
    deploy/local/bench-jobs "$@"

# what waiting costs: bytes on the wire, memory of ten thousand who wait: --patients N
bench-link *args:
    deploy/local/bench-link "$@"

# what reads cost, audit included: --reads N, --parallel C, --rounds R
bench-reads *args:
    deploy/local/bench-reads "$@"

# what audio costs the api while it passes through: --parallel N, --megabytes M, --rounds R
bench-ai *args:
    deploy/local/bench-ai "$@"

# ask the running api what its document allows and what it does not (schemathesis): --examples N, --seed S
fuzz *args:
    deploy/local/fuzz "$@"

# run visits with clients that others generate from the OpenAPI document: --generate-only
clients *args:
    deploy/local/clients "$@"

# how long a photo takes over 2G, with tus-js-client: a measurement of minutes
bench-upload:
    deploy/local/bench-upload

# all tests; with arguments, nextest with these: just test join
test *args:
    deploy/local/test "$@"

# all tests, and how many lines of each crate they ran; with arguments, nextest with these
coverage *args:
    deploy/local/coverage "$@"

# everything that must hold before a merge; with arguments only these gates: just ci fmt clippy
ci *gates:
    .ci/run "$@"

# format the code
fmt:
    cargo fmt --all

# what the compiler and clippy have to say
lint:
    .ci/run clippy

# the documentation of the crates, also our private items, in target/doc
docs:
    cargo doc --workspace --no-deps --locked --document-private-items

# write anew what the code writes, contracts and pages; look at the difference before you commit it
contracts:
    UPDATE_CONTRACTS=1 deploy/local/test -E 'test(contract) | test(openapi) | test(schema) | test(documented)'
    git status --short -- contracts docs

# licences, banned crates and sources of the dependencies, and dependencies nobody uses
deny:
    .ci/run deny machete

# what each program is made of, as CycloneDX, in target/sbom
sbom:
    deploy/local/sbom

# pictures of the waiting room's page in three languages, in target/pictures
pictures:
    deploy/local/test --run-ignored only -E 'test(pictures_of)'

# what one video token costs (criterion)
bench-token:
    cargo bench --workspace --bench video_token
