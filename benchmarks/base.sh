#!/usr/bin/env bash
# A base model alone, Quiver beside transformers and llama.cpp, in one run on SmolLM2-135M-Instruct: batch 1, 2 threads.
#   benchmarks/base.sh PYTHON [ROUNDS]     with a Python that has benchmarks/python/requirements-base.txt
# Quiet machine, please: figures mean nothing beside a build. Java's heap is touched at the start, as that of a server that has run for a while is.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?a Python with benchmarks/python/requirements-base.txt installed}
rounds=${2:-7}
models=benchmarks/target/base-models

mvn -q -B -Dmaven.test.skip -Dspotless.check.skip -pl benchmarks -am package \
  org.apache.maven.plugins:maven-dependency-plugin:build-classpath -Dmdep.outputFile=target/classpath
classpath=benchmarks/target/classes:$(cat benchmarks/target/classpath)

"$python" benchmarks/python/base_models.py "$models"
PYTORCH_FLAVOR=cpu OPT_OUT_TRACKING=true "$python" benchmarks/python/base_speed.py --models "$models" --rounds "$rounds" -- \
  java -Xms512m -Xmx512m -XX:+AlwaysPreTouch -Dai.djl.offline=true -cp "$classpath" io.quiver.benchmarks.BaseSpeed
