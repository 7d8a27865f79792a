"""Which host should own which shard. Pure, so that the supervisor's plan can be tested without a cluster.

    shards ──evenly──▶ hosts                           pinned shard ──▶ a host of its own, while two others are left for the rest

With fewer hosts than that, because some are away or the cell was scaled down, a pinned shard is one like all others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

# As many hosts share what is not pinned, at least: with one, its end would stop all of it at once.
SHARING_MIN = 2


def balanced(owners: Sequence[str], hosts: Sequence[str], pinned: Collection[int] = ()) -> dict[str, list[int]]:
    """Gives each shard without an owner to the host that has least, the first of equals; pinned ones (`pinned`) to
    hosts of their own. Hosts that get nothing are left out."""
    own = own_hosts(owners, hosts, pinned)
    sharing = _sharing(hosts, own)
    counts = {host: sum(owner == host for owner in owners) for host in sharing}
    plan: dict[str, list[int]] = {}
    for shard, owner in enumerate(owners):
        if owner:
            continue
        chosen = own.get(shard)
        if chosen is None:
            chosen = min(sharing, key=lambda host: counts[host])
            counts[chosen] += 1
        plan.setdefault(chosen, []).append(shard)
    return plan


def moves(
    owners: Sequence[str], staying: Sequence[str], pinned: Collection[int] = ()
) -> dict[tuple[str, str], list[int]]:
    """The moves (from, to) → shards after which all shards are with `staying` hosts: pinned ones with hosts of their
    own, the others evenly to within one, by the fewest moves that lead there."""
    if not staying:
        return {}
    own = own_hosts(owners, staying, pinned)
    plan: dict[tuple[str, str], list[int]] = {}
    held: dict[str, list[int]] = {host: [] for host in _sharing(staying, own)}
    homeless: list[int] = []
    for shard, owner in enumerate(owners):
        if shard in own:
            if owner not in {"", own[shard]}:
                plan.setdefault((owner, own[shard]), []).append(shard)
        elif owner in held:
            held[owner].append(shard)
        elif owner:
            homeless.append(shard)
    total = sum(len(shards) for shards in held.values()) + len(homeless)
    base, extra = divmod(total, len(held))
    # Those that hold most may keep one more.
    ranked = sorted(held, key=lambda host: (-len(held[host]), host))
    quota = {host: base + (rank < extra) for rank, host in enumerate(ranked)}
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


def own_hosts(owners: Sequence[str], hosts: Sequence[str], pinned: Collection[int]) -> dict[int, str]:
    """Each pinned shard's host, no two the same: those of the hosts that have fewest others to give away. Empty when
    too few hosts are there."""
    if not pinned or len(hosts) < len(pinned) + SHARING_MIN:
        return {}
    others = dict.fromkeys(hosts, 0)
    has: dict[str, list[int]] = {host: [] for host in hosts}
    for shard, owner in enumerate(owners):
        if owner in others:
            if shard in pinned:
                has[owner].append(shard)
            else:
                others[owner] += 1
    # One that has a pinned shard already saves its move; of equals it is taken, so that a plan that
    # is half done stays the plan.
    chosen = sorted(hosts, key=lambda host: (others[host] - bool(has[host]), not has[host], host))[: len(pinned)]
    own = {has[host][0]: host for host in chosen if has[host]}
    empty = (host for host in chosen if not has[host])
    return own | dict(zip((shard for shard in sorted(pinned) if shard not in own), empty, strict=True))


def _sharing(hosts: Sequence[str], own: dict[int, str]) -> list[str]:
    """The hosts of what is not pinned."""
    taken = set(own.values())
    return [host for host in hosts if host not in taken]
