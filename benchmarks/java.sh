#!/usr/bin/env bash
# Runs one of the measurements that need nothing but Quiver, on a quiet machine:
#   benchmarks/java.sh BatchBenchmark [bf16|fp32] [threads] [rounds]
#   JAVA_OPTIONS="-Xms512m -Xmx512m -XX:+AlwaysPreTouch" benchmarks/java.sh ResidencyBenchmark [bf16|fp32] [cycles]
# On a machine that is shared set OMP_WAIT_POLICY=passive; on an idle one leave it unset.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?the name of a class in io.quiver.benchmarks}
shift

mvn -q -B -Dmaven.test.skip -Dspotless.check.skip -pl benchmarks -am package \
  org.apache.maven.plugins:maven-dependency-plugin:build-classpath -Dmdep.outputFile=target/classpath
# shellcheck disable=SC2086 # options are several words
PYTORCH_FLAVOR=cpu OPT_OUT_TRACKING=true exec java ${JAVA_OPTIONS:-} -Dai.djl.offline=true \
  -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" "io.quiver.benchmarks.$name" "$@"
