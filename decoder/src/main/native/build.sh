#!/usr/bin/env bash
# Compiles the kernels where a C++ compiler is found, and says so where none is: the decoder runs without them, slower.
#   build.sh FOLDER     writes FOLDER/libquiver-kernels.so
set -euo pipefail
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
compiler=${CXX:-$(command -v g++ || command -v clang++ || command -v c++ || true)}
library=$out/libquiver-kernels.so
if [ -z "$compiler" ] || [ "$(uname -s)" != Linux ]; then
  echo "no C++ compiler: the decoder is built without its kernels and decodes with TorchScript alone"
  exit 0
fi
if [ -f "$library" ] && [ -z "$(find . -newer "$library" -type f)" ]; then
  exit 0
fi
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
common=(-std=c++17 -O3 -fPIC -fvisibility=hidden -Wall -Wextra -Wno-psabi -Wno-uninitialized -Wno-maybe-uninitialized -ffp-contract=fast -fno-math-errno -fno-trapping-math)
declare -A sets=([generic]="")
if [ "$(uname -m)" = x86_64 ]; then
  sets[avx2]="-mavx2 -mfma"
  sets[avx512bf16]="-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16 -mfma -mprefer-vector-width=512"
fi
jobs=()
for set in "${!sets[@]}"; do
  for source in step reading rows quantized lengths prompts; do
    # shellcheck disable=SC2086
    "$compiler" "${common[@]}" ${sets[$set]} -DQUIVER_ISA="$set" -c "$source.cpp" -o "$objects/$source-$set.o" &
    jobs+=($!)
  done
done
"$compiler" "${common[@]}" -c library.cpp -o "$objects/library.o"
# One by one: waiting for all of them at once would not tell that one failed.
for job in "${jobs[@]}"; do wait "$job"; done
"$compiler" -shared -static-libstdc++ -static-libgcc -o "$objects/library.so" "$objects"/*.o -ldl
mv "$objects/library.so" "$library"
