# Commands of everyday work; `just` lists them. The same checks as `.ci/run`, and those that need more tools.

default:
    @just --list

# Load the bundled data and print the first figures.
demo:
    cargo run --release -- demo

# All tests.
test:
    cargo test --workspace

# What a landing must pass, in a clean tree.
check: lint
    .ci/run
    git diff --exit-code

# Licences, advisories, one copy of Arrow; unused dependencies; spelling. Needs cargo-deny, cargo-machete and typos.
lint:
    cargo deny check
    cargo machete
    typos

# Write the generated pages of the manual and the answers of the SQL tests again, for review.
bless:
    BLESS=1 cargo test -p engine
    SLT_BLESS=1 cargo test -p tests --test slt

# Criterion benches of the generator, the algebra and the functions.
bench:
    cargo bench -p benches

# Assidu beside DuckDB; see benches/README.md.
compare *arguments:
    cargo build --release -p benches -p server
    python3 benches/compare.py {{arguments}}
