#!/bin/sh
# Installs the course from this folder alone, and opens its notebooks. Nothing is fetched.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=${COURSE_HOME:-$HOME/attention-in-order}

# The Pythons that wheels/ serves are those that PyTorch's file names: cp311 is 3.11.
versions=$(ls "$here/wheels" | sed -n 's/^torch-.*-cp3\([0-9]*\)-.*/3.\1/p' | sort -u)
python=
for version in $versions; do
  for name in "python$version" python3 python; do
    if [ -z "$python" ] && "$name" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
      python=$name
    fi
  done
done
if [ -z "$python" ]; then
  echo "This folder holds packages for Python" $versions "and none of these is installed here." >&2
  exit 1
fi

mkdir -p "$home/notebooks"
for notebook in "$here"/notebooks/*.ipynb; do
  [ -e "$home/notebooks/$(basename "$notebook")" ] || cp "$notebook" "$home/notebooks/"
done
"$python" -m venv "$home/venv" || {
  echo "Python could not make an environment. On Debian, install python3-venv first." >&2
  exit 1
}
echo "Installing from $here/wheels: a minute or two, the first time."
"$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
  --find-links "$here/wheels" "attention-in-order[chapters,bertviz,interop]"
exec "$home/venv/bin/jupyter" lab "$home/notebooks" "$@"
