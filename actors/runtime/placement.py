"""Which host should own which shard. Pure, so that the supervisor's plan can be tested without a cluster."""

from __future__ import annotations

from collections.abc import Sequence


def balanced(owners: Sequence[str], hosts: Sequence[str]) -> dict[str, list[int]]:
    """Gives each shard without an owner to the host that has least; the first of equals. Hosts that get nothing are left out."""
    counts = {host: sum(owner == host for owner in owners) for host in hosts}
    plan: dict[str, list[int]] = {}
    for shard, owner in enumerate(owners):
        if not owner:
            least = min(hosts, key=lambda host: counts[host])
            counts[least] += 1
            plan.setdefault(least, []).append(shard)
    return plan


def moves(owners: Sequence[str], staying: Sequence[str]) -> dict[tuple[str, str], list[int]]:
    """The fewest moves (from, to) → shards after which all shards are with `staying` hosts, evenly to within one."""
    if not staying:
        return {}
    held: dict[str, list[int]] = {host: [] for host in staying}
    homeless: list[int] = []
    for shard, owner in enumerate(owners):
        if owner in held:
            held[owner].append(shard)
        elif owner:
            homeless.append(shard)
    total = sum(len(shards) for shards in held.values()) + len(homeless)
    base, extra = divmod(total, len(staying))
    # Those that hold most may keep one more.
    ranked = sorted(staying, key=lambda host: (-len(held[host]), host))
    quota = {host: base + (rank < extra) for rank, host in enumerate(ranked)}
    plan: dict[tuple[str, str], list[int]] = {}
    free = [(owners[shard], shard) for shard in homeless]
    for host in ranked:
        free.extend((host, shard) for shard in held[host][quota[host] :])
        held[host] = held[host][: quota[host]]
    for host in ranked:
        while len(held[host]) < quota[host]:
            source, shard = free.pop()
            held[host].append(shard)
            plan.setdefault((source, host), []).append(shard)
    return plan
