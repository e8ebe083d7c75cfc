#!/usr/bin/env bash
# Runs every fuzz target of the module for the time given.
# usage: build/fuzz.sh 30s
set -euo pipefail
for file in $(grep -rl --include='*_test.go' '^func Fuzz' . --exclude-dir=node_modules); do
  for name in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
    echo "== $(dirname "$file") $name"
    go test -run='^$' -fuzz="^${name}\$" -fuzztime="${1:-30s}" "$(dirname "$file")"
  done
done
