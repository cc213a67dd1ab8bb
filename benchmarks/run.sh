#!/usr/bin/env bash
# Quiver's routed decoding beside PEFT's own Arrow and plain transformers, in one run, on the shape of SmolLM2-135M: 2 threads, batch 1, bf16.
#   benchmarks/run.sh PYTHON     with a Python that has benchmarks/python/requirements.txt
# Quiet machine, please: figures mean nothing beside a build.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?a Python with benchmarks/python/requirements.txt installed}

mvn -q -B -Dmaven.test.skip -Dspotless.check.skip -pl benchmarks -am package \
  org.apache.maven.plugins:maven-dependency-plugin:build-classpath -Dmdep.outputFile=target/classpath
classpath=benchmarks/target/classes:$(cat benchmarks/target/classpath)

ours() {
  PYTORCH_FLAVOR=cpu OPT_OUT_TRACKING=true java -Xms1g -Xmx1g -XX:+AlwaysPreTouch -Dai.djl.offline=true -cp "$classpath" io.quiver.benchmarks.DecodeBenchmark bf16 2 3 | grep '^{'
}
theirs() {
  "$python" benchmarks/python/peft_arrow.py "$@" --threads 2 --json 2>/dev/null
}

# Ours before and after theirs: what the host did in between shows.
ours
theirs --base-only --tokens 40
theirs --experts 8 --tokens 24
theirs --experts 64 --tokens 8
ours
