#!/usr/bin/env bash
# Measures strategies on a base model with adapters and questions, and rewrites the table and the figures of docs/routing.md:
#   tools/routing/measure.sh BASE FOLDER [option of quiver eval ...]
# BASE is a folder in Hugging Face's layout; FOLDER has questions.json and experts/NAME with an adapter each, NAME being the skill.
# FOREIGN=FILE has requests that belong to none of them; foreign.json beside this is foreign to dates, names, sentiment, SQL and snake case.
# With PAGE=FILE it writes the table alone, into that page; with SECTION=NAME that part of docs/routing.md, with who was mistaken for whom.
# EXAMPLES=N, with SECTION: pushes the adapters again with the first N questions of each as examples, and asks the other questions once more.
# RESULTS=FOLDER keeps what `quiver eval` wrote. Starts a stack of its own beside any other, with its data in a temporary folder, and stops it at the end.
set -euo pipefail

[ $# -ge 2 ] || { sed -n '2,8p' "$0" | cut -c3-; exit 2; }
base=$(realpath "$1")
folder=$(realpath "$2")
shift 2
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
strategies=${STRATEGIES:-oracle,evidence,arrow:top_k=1,arrow,spectr,uniform,base}
foreign=$(realpath "${FOREIGN:-$(dirname "${BASH_SOURCE[0]}")/foreign.json}")
examples=${EXAMPLES:-0}
conditions=${CONDITIONS:-$(nproc) processors}
data=$(mktemp -d)
chmod 711 "$data"
export QUIVER_REGISTRY=http://127.0.0.1:17070 QUIVER_ROUTER=http://127.0.0.1:17071

"$home/quiver" --version
"$home/quiver" up --data "$data" --registry-port 17070 --router-port 17071 --worker-port 17072 --kafka-port 17092 \
  --s3-port 17900 --postgres-port 17432 >"$data/up.log" 2>&1 &
stack=$!
stop() {
  kill "$stack" 2>/dev/null || true
  wait "$stack" 2>/dev/null || true
  [ -z "${RESULTS:-}" ] || { mkdir -p "$RESULTS" && cp "$data"/*.json "$RESULTS"; }
  rm -rf "$data"
}
trap stop EXIT

for _ in $(seq 120); do
  "$home/quiver" ls >/dev/null 2>&1 && break
  kill -0 "$stack" || { cat "$data/up.log"; exit 1; }
  sleep 2
done
"$home/quiver" base add "$base"
"$home/quiver" push "$folder"/experts/*

# Adapters are measured against the base's calibration after they are ready.
case ",$strategies," in
  *,evidence*)
    echo "waiting for the calibration"
    for attempt in $(seq 60); do
      "$home/quiver" eval "$folder/questions.json" --strategies evidence --per-skill 1 >"$data/try.log" 2>&1 && break
      [ "$attempt" -lt 60 ] || { cat "$data/try.log"; exit 1; }
      sleep 10
    done
    ;;
esac

"$home/quiver" eval "$folder/questions.json" --strategies "$strategies" --json "$data/result.json" "$@"
report=("$data/result.json")
if [ -n "${PAGE:-}" ]; then
  report+=(--page "$PAGE")
else
  [ -n "${SECTION:-}" ] || report+=("$home/docs")
  case ",$strategies," in
    *,evidence,*)
      "$home/quiver" eval "$foreign" --strategies evidence --json "$data/foreign.json"
      report+=(--foreign "$data/foreign.json")
      ;;
  esac
fi
if [ -n "${SECTION:-}" ] && [ "$examples" -gt 0 ]; then
  python3 "$home/tools/routing/examples.py" "$folder" "$examples" "$data/with-examples"
  "$home/quiver" push "$data"/with-examples/experts/*
  echo "waiting for the examples to be compared"
  for attempt in $(seq 60); do
    "$home/quiver" eval "$folder/questions.json" --strategies evidence --per-skill 1 --json "$data/try.json" >"$data/try.log" 2>&1 && grep -q similarity "$data/try.json" && break
    [ "$attempt" -lt 60 ] || { cat "$data/try.log"; exit 1; }
    sleep 10
  done
  "$home/quiver" eval "$data/with-examples/questions.json" --strategies evidence --json "$data/examples.json"
  "$home/quiver" eval "$foreign" --strategies evidence --json "$data/examples-foreign.json"
  report+=(--examples "$data/examples.json" "$data/examples-foreign.json" "$examples")
fi
if [ -n "${SECTION:-}" ]; then
  python3 "$home/tools/routing/library.py" "$SECTION" "$home/docs/routing.md" "${report[@]}" --conditions "$conditions"
else
  python3 "$home/tools/routing/report.py" "${report[@]}" --conditions "$conditions"
fi
