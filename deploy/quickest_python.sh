#!/bin/sh
# Prints the Python to make the virtual environment with: the first that fits of those named, or one that is a good deal quicker.
#
#     quickest_python.sh python3 python3.13 /usr/bin/python3
#
# One fits that our dependencies have binaries for and that can make virtual environments. Whether an interpreter was built with profiles
# (--enable-optimizations) makes a third of its speed, and pyenv and the like build without; not all of them say so, so a small loop is timed.
# The order counts as long as none is a sixth quicker: a noisy machine should not change the choice. Prints nothing when none fits.
set -eu

measure='
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit("wrong version")
import ensurepip, time, venv
def work():
    kept, total = {}, 0
    for at in range(40_000):
        kept[at % 1000] = (at, total)
        total = (total + kept[at % 1000][0]) % 7
best = 1.0
for _ in range(7):
    begun = time.process_time()
    work()
    best = min(best, time.process_time() - begun)
print(int(best * 1_000_000))
'

chosen=""
for python in "$@"; do
	cost=$("$python" -c "$measure" 2>/dev/null) || continue
	if [ -z "$chosen" ] || [ $((cost * 6)) -lt $((least * 5)) ]; then
		chosen=$python
		least=$cost
	fi
done
echo "$chosen"
