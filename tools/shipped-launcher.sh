#!/bin/sh
# Runs the bundle beside it with Node.js 24 or newer: the host's own, else the per-platform package. A shell script,
# because it gives its place to Node.js: a launcher in Node.js would stay beside it with 45 MB.
folder=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
needed=24

# The packaged Node.js is in a node_modules of this package or of a folder above.
packaged_node() {
  case $(uname -m) in
  x86_64) platform=linux-x64 ;;
  aarch64) platform=linux-arm64 ;;
  *) return 1 ;;
  esac
  above=$folder
  while :; do
    found=$above/node_modules/node-$platform/bin/node
    [ -x "$found" ] && printf '%s\n' "$found" && return 0
    [ "$above" = / ] || [ -z "$above" ] && return 1
    above=$(dirname -- "$above")
  done
}

version=$(node --version 2>/dev/null || echo v0)
major=${version#v}
major=${major%%.*}
if [ "$major" -ge "$needed" ] 2>/dev/null; then
  node=$(command -v node)
elif ! node=$(packaged_node); then
  echo "SKERRY_NODE_TOO_OLD: Node.js ${version#v} runs here, Skerry needs $needed, and its package for $(uname -m) is not installed." >&2
  echo "Install Node.js $needed or newer and start again." >&2
  exit 78
fi

# V8's compile cache halves the start; it lives in the package.
: "${NODE_COMPILE_CACHE=$folder/.compile-cache}"
PATH=$(dirname -- "$node"):$PATH
export NODE_COMPILE_CACHE PATH
@ENVIRONMENT@
exec "$node" --disable-warning=ExperimentalWarning @NODE_OPTIONS@ "$folder/dist/main.js" "$@"
