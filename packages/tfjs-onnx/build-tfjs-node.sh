#!/usr/bin/env bash
# Gives @tensorflow/tfjs-node-gpu its native part where its own download is out of reach: TensorFlow's C library and headers come from the
# Python package of TensorFlow, the binding is compiled from the npm package's sources against them. CPU only; Linux.
#   npm run install:tfjs-cpu            (needs python3 with pip, g++, and Node's headers: Debian's libnode-dev, or those beside the node binary)
#   WHEEL=tensorflow_cpu.whl npm run install:tfjs-cpu
set -euo pipefail
version=2.18.1
root=$(cd "$(dirname "$0")/../.." && pwd)
module="$root/node_modules/@tensorflow/tfjs-node-gpu"
fail() { echo "build-tfjs-node.sh: $1" >&2; exit 1; }
[ "$(uname)" = Linux ] || fail "Linux only; on $(uname) use npm run install:tfjs-gpu"
[ -f "$module/binding.gyp" ] || fail "$module is missing: run npm ci first, without --omit=optional"
command -v g++ > /dev/null || fail 'g++ is missing'

headers=''
for folder in "$(dirname "$(node -p process.execPath)")/../include/node" /usr/include/node; do
  [ -f "$folder/node_api.h" ] && headers=$folder && break
done
[ -n "$headers" ] || fail "no node_api.h beside $(node -p process.execPath) nor in /usr/include/node: install Node's headers (Debian: libnode-dev)"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
wheel=${WHEEL:-}
if [ -z "$wheel" ]; then
  package=tensorflow
  [ "$(uname -m)" = x86_64 ] && package=tensorflow-cpu
  echo "$package $version from Python's package index (230 MB)"
  python3 -m pip download --quiet --no-deps --dest "$scratch" "$package==$version"
  wheel=$(ls "$scratch"/*.whl)
fi
python3 - "$wheel" "$scratch" << 'PYTHON'
import sys, zipfile

wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    wanted = [n for n in archive.namelist() if n.startswith("tensorflow/include/") or n.startswith("tensorflow/libtensorflow_")]
    archive.extractall(folder, wanted)
PYTHON
[ -f "$scratch/tensorflow/libtensorflow_cc.so.2" ] || fail "$wheel holds no libtensorflow_cc.so.2"

mkdir -p "$module/deps/lib" "$module/lib/napi-v8"
mv "$scratch"/tensorflow/libtensorflow_*.so.2 "$module/deps/lib/"
g++ -std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 -I"$headers" -I"$scratch/tensorflow/include" \
  "$module/binding/tfjs_backend.cc" "$module/binding/tfjs_binding.cc" \
  "$module"/deps/lib/libtensorflow_cc.so.2 "$module"/deps/lib/libtensorflow_framework.so.2 '-Wl,-rpath,$ORIGIN/../../deps/lib' \
  -o "$module/lib/napi-v8/tfjs_binding.node"
cd "$root"
TF_CPP_MIN_LOG_LEVEL=2 node -e "
const tf = require('@tensorflow/tfjs-node-gpu');
const [product] = tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync();
if (tf.getBackend() !== 'tensorflow' || product !== 11) throw new Error('the binding was built and does not compute');
console.log('tfjs-node computes with TensorFlow', tf.backend().binding.TF_Version, 'in Node', process.version);
"
