"""Systems that do the same work as OCEFS' order path in the ways one would otherwise build it. See perf/README.md."""
