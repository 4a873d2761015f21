#!/usr/bin/env bash
# Builds the page that the gateway serves, into web/dist. It needs Go and Node.
set -euo pipefail
command -v node >/dev/null || { echo "the page is built with Node.js 20 or newer: https://nodejs.org" >&2; exit 1; }
exec node "$(dirname "$0")/build-web.mjs"
