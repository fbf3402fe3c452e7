#!/usr/bin/env bash
# Makes a Python environment with the libraries that our numbers, files and speed are held against.
#   packages/python-peer/environment.sh FOLDER
#   CONTROLLAB_PYTHON=FOLDER/current/bin/python npx nx run tfjs-onnx:bench
# FOLDER lies outside the repository (about 7 GB: torch's package brings CUDA's libraries). `current` holds the releases of requirements.txt;
# `diffusers-0.28.2` lays the release that the committed fixtures came from over it. Running it again changes nothing that is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
case "$(realpath -m "$1")/" in
  "$(cd "$here/../.." && pwd)"/*) echo "environment.sh: $1 lies inside the repository; name a folder outside it" >&2; exit 2 ;;
esac
mkdir -p "$1"
folder=$(cd "$1" && pwd)

[ -x "$folder/current/bin/python" ] || python3 -m venv "$folder/current"
"$folder/current/bin/pip" install --quiet --requirement "$here/requirements.txt"

old="$folder/diffusers-0.28.2"
[ -x "$old/bin/python" ] || python3 -m venv "$old"
"$folder/current/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
  > "$("$old/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/current.pth"
"$old/bin/pip" install --quiet --no-deps --requirement "$here/requirements-diffusers-0.28.2.txt"

for environment in current diffusers-0.28.2; do
  "$folder/$environment/bin/python" -c 'import torch, diffusers; print("torch", torch.__version__, "diffusers", diffusers.__version__)'
done
