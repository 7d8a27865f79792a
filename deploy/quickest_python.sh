#!/bin/sh
# Prints the Python to make the virtual environment with: the first that fits of those named, or one that is a good deal quicker.
#
#     quickest_python.sh python3 python3.13 /usr/bin/python3
#
# One fits that our dependencies have binaries for and that can make virtual environments. Whether an interpreter was built with profiles
# (--enable-optimizations) makes a third of its speed, and pyenv and the like build without; not all of them say so, so a small loop is timed:
# objects, strings and a dict, as a host's turns have. By turns and the best of each, because a machine that does something else for a moment
# would make one of them look slow. The order counts as long as none is a sixth quicker. Prints nothing when none fits.
set -eu

rounds=4
measure='
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit("wrong version")
import ensurepip, time, venv
class Entry:
    __slots__ = ("key", "total")
    def __init__(self, key, total):
        self.key = key
        self.total = total
def work():
    kept, total = {}, 0
    for at in range(12_000):
        kept[at % 1000] = entry = Entry(str(at), (at, total))
        total = (total + len(entry.key)) % 7
best = 1.0
for _ in range(5):
    begun = time.process_time()
    work()
    best = min(best, time.process_time() - begun)
print(int(best * 1_000_000))
'

round=0
while [ $round -lt $rounds ]; do
	at=0
	for python in "$@"; do
		at=$((at + 1))
		cost=$("$python" -c "$measure" 2>/dev/null) || continue
		echo "$at $cost $python"
	done
	round=$((round + 1))
done | awk '
	{ name = $0; sub(/^[0-9]+ [0-9]+ /, "", name) }
	!($1 in least) || $2 < least[$1] { least[$1] = $2; names[$1] = name; if ($1 > last) last = $1 }
	END {
		for (at = 1; at <= last; at++)
			if (at in least && (!chosen || least[at] * 6 < least[chosen] * 5)) chosen = at
		if (chosen) print names[chosen]
	}'
