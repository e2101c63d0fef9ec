#!/bin/sh
# Installs what this machine lacks: `setup.sh build` for building and the demo, `setup.sh` for the tests as well.
# Says nothing when nothing is missing.
set -eu
cd "$(dirname "$0")/.."

level=${1:-test}
case $level in build|test) ;; *) echo "usage: setup.sh [build|test]" >&2; exit 2 ;; esac

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vodupload
PATH=$cache/bin:$PATH
export PATH

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# at_least A B: version A is not older than version B
at_least() {
  awk -v a="$1" -v b="$2" 'BEGIN {
    split(a, x, "."); split(b, y, ".")
    for (i = 1; i <= 3; i++) if (x[i] + 0 != y[i] + 0) exit (x[i] + 0 < y[i] + 0)
  }'
}

# --- Rust -------------------------------------------------------------------

have cargo || die "Rust is missing: install it from https://rustup.rs"
rust=$(rustc --version | awk '{ print $2 }')
needed=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
at_least "${rust%%-*}" "$needed" || die "Rust $rust is too old: run 'rustup update stable' for $needed or newer"

if [ ! -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then
  have rustup || die "this Rust has no wasm32-unknown-unknown target and there is no rustup to add it"
  say "adding Rust's wasm32-unknown-unknown target"
  rustup target add wasm32-unknown-unknown
fi

# cargo_tool NAME VERSION WHY CARGO-ARGUMENTS: the program of crate NAME, unless PATH has that version
cargo_tool() {
  name=$1 version=$2 why=$3
  shift 3
  program=${name%-cli}
  found=$("$program" --version 2>/dev/null | awk 'NR == 1 { print $2 }') || found=
  [ "$found" = "$version" ] && return
  say "compiling $name $version, $why (minutes, once; into $cache)"
  cargo install --quiet --force --root "$cache" --version "$version" "$name" "$@"
}

# Without --locked: the lock file that wasm-bindgen-cli ships names a crate that is not to be had.
bindgen=$(sed -n 's/^wasm-bindgen *= *.*"=\([0-9.]*\)".*/\1/p' Cargo.toml)
[ -n "$bindgen" ] || die "Cargo.toml does not pin wasm-bindgen (as in \"=0.2.130\")"
cargo_tool wasm-bindgen-cli "$bindgen" "which makes the glue between JS and wasm"

if [ "$level" = test ]; then
  for part in rustfmt clippy-driver; do
    have "$part" || die "$part is missing: run 'rustup component add rustfmt clippy'"
  done
  cargo_tool wasm-pack 0.15.1 "which runs tests in browsers" --locked
  cargo_tool wasm-tools 1.263.0 "which checks that old engines can load the wasm" \
    --locked --no-default-features --features validate
  cargo_tool geckodriver 0.37.1 "which drives Firefox" --locked
fi

# --- Node -------------------------------------------------------------------

have node && have npm || die "Node.js is missing: install version 20 or newer"
node=$(node --version)
at_least "${node#v}" 20 || die "Node.js $node is too old: install version 20 or newer"

stamp=node_modules/.vodupload-setup
if ! cmp -s package-lock.json "$stamp"; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

[ "$level" = test ] || exit 0

# --- WeChat's tools ---------------------------------------------------------

# Not among the root's packages: there are a thousand of them, and only one test runs them.
wechat=tests/miniprogram/wechat_tools
if ! cmp -s "$wechat/package-lock.json" "$wechat/node_modules/.vodupload-setup"; then
  say "installing WeChat's compiler, for the mini-program tests"
  npm ci --prefix "$wechat" --ignore-scripts --no-audit --no-fund --loglevel=error
  cp "$wechat/package-lock.json" "$wechat/node_modules/.vodupload-setup"
fi

# --- Browsers and engines ---------------------------------------------------

missing=
have chromium || have google-chrome || missing="$missing chromium"
have chromedriver || missing="$missing chromium-driver"
have firefox || have firefox-esr || missing="$missing firefox-esr"
have jsc || missing="$missing libjavascriptcoregtk-4.0-bin"
have openssl || missing="$missing openssl"
[ -n "$missing" ] || exit 0

have apt-get || die "the tests need on PATH (Debian's names):$missing"
if [ "$(id -u)" = 0 ]; then sudo=; elif have sudo; then sudo=sudo; else die "run as root: apt-get install$missing"; fi
say "installing$missing with apt-get, for the tests"
# shellcheck disable=SC2086 # both are lists of words
{
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
}
