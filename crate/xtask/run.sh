#!/bin/sh
# `cargo xtask` for npm's scripts, on a machine that may have rustup and Node only: rustc links with `cc`, and xtask
# itself is Rust, so this much has to come before it.
set -eu
cd "$(dirname "$0")/../.."

command -v cargo >/dev/null || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
if ! command -v cargo >/dev/null; then
  echo "error: cargo is not here. Install Rust with rustup: https://rustup.rs" >&2
  exit 1
fi
# rustup fetches what rust-toolchain.toml names when cargo is called, and says so, unless it was told to install nothing by
# itself.
if ! cargo --version >/dev/null; then
  echo "· setup: rustup toolchain install" >&2
  rustup toolchain install
fi

if ! command -v cc >/dev/null; then
  echo "· setup: no C compiler to link with, installing gcc and libc6-dev" >&2
  if ! command -v apt-get >/dev/null; then
    echo "error: apt-get is not here. Install a C compiler (cc) and try again." >&2
    exit 1
  fi
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
    echo "error: there is no sudo here. Run \`apt-get install gcc libc6-dev\` as root and try again." >&2
    exit 1
  fi
  $sudo apt-get update
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev
fi

exec cargo xtask "$@"
