"""Replays a plan (`berth plan -o json`) over a fleet.Fleet, by the rules of the manual and nothing of berth's code.

`replay(fleet, plan)` returns what is wrong, as text: RAM with the moving VM on both hosts, nothing onto a host over
capacity, space in pools, policies never worse, the end that was promised, the plan's own numbers.
"""
from collections import defaultdict


class Rules:
    """The policies, with where their VMs are counted now."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.of_vm = defaultdict(list)  # those that any move of it may break
        self.together = []
        self.bad = {}
        self.at_most = []
        for name, policy in fleet.policies.items():
            if "at_most" in policy:
                hosts = {h for h, host in fleet.hosts.items() if has(host.labels, policy["hosts"])}
                self.at_most.append((name, int(policy["at_most"]), hosts))
            elif "apart" in policy or "together" in policy:
                kind = "apart" if "apart" in policy else "together"
                members = self.members(policy[kind])
                if kind == "together":
                    self.together.append((name, members, policy.get("by", "host")))
                for vm in members:
                    if kind == "apart":
                        self.of_vm[vm].append((name, policy.get("by", "host")))
            elif "only_on" in policy or "not_on" in policy:
                only = "only_on" in policy
                hosts = self.hosts(policy["only_on" if only else "not_on"])
                refused = set(fleet.hosts) - hosts if only else hosts
                for vm in self.members(policy["vms"]):
                    self.bad.setdefault(vm, []).append((name, refused))
        self.count = defaultdict(int)
        for name, vm in fleet.vms.items():
            self.add(name, vm.at, 1)

    def members(self, selector):
        vms = self.fleet.vms
        if isinstance(selector, list):
            return [name for name in selector if name in vms and vms[name].managed]
        return [name for name, vm in vms.items() if vm.managed and has(vm.labels, selector)]

    def hosts(self, selector):
        if isinstance(selector, list):
            return set(selector)
        return {name for name, host in self.fleet.hosts.items() if has(host.labels, selector)}

    def group(self, by, host):
        return host if by == "host" else self.fleet.hosts[host].labels.get(by)

    def add(self, vm, host, change):
        self.count[None, host] += change
        for name, by in self.of_vm[vm]:
            self.count[name, self.group(by, host)] += change

    def refuses(self, vm, source, target):
        """The policy that the move makes worse. To be asked with the VM counted nowhere."""
        for name, most, hosts in self.at_most:
            if target in hosts and self.count[None, target] + 1 > most:
                return name
        for name, by in self.of_vm[vm]:
            group = self.group(by, target)
            if group is None or (self.count[name, group] > 0 and group != self.group(by, source)):
                return name
        for name, refused in self.bad.get(vm, []):
            if target in refused:
                return name
        return None

    def suits(self, vm, host):
        """May it stay there, whoever else does?"""
        return not any(host in refused for _, refused in self.bad.get(vm, []))

    def parted(self, at):
        return {name for name, members, by in self.together if len({self.group(by, at[vm]) for vm in members}) > 1}


def has(labels, selector):
    return all(labels.get(key) == value for key, value in selector.items())


def replay(fleet, plan):
    wrong = []
    at = {name: vm.at for name, vm in fleet.vms.items()}
    claims = fleet.claims()
    space = {name: host.pool_free for name, host in fleet.hosts.items()}
    rules = Rules(fleet)
    parted = rules.parted(at)
    last = {move["vm"]: move["to"] for move in plan["moves"]}

    def free(host):
        return fleet.hosts[host].capacity - claims[host]

    for number, move in enumerate(plan["moves"]):
        name, source, target = move["vm"], move["from"], move["to"]
        vm, say = fleet.vms[name], f"step {move['step']}: {name} to {target}: "
        claim = vm.memory + fleet.hosts[target].overhead
        if at[name] != source or source == target or move["step"] != number + 1 or not vm.managed:
            wrong.append(say + "cannot be moved from there")
        if free(target) < claim:
            wrong.append(say + f"{claim - free(target)} bytes of RAM short")
        if fleet.hosts[target].maintenance:
            wrong.append(say + "is in maintenance")
        if vm.disk:
            if space[target] is None or space[target] < vm.disk[0]:
                wrong.append(say + "no space for its disk")
            else:
                space[target] -= vm.disk[1 if target == vm.at else 0]
            # What a copy on a hop took is what it gives back.
            space[source] += vm.disk[1 if source == vm.at else 0]
        rules.add(name, source, -1)
        refusal = rules.refuses(name, source, target)
        if refusal:
            wrong.append(say + f"worse for {refusal}")
        rules.add(name, target, 1)
        claims[source] -= vm.memory + fleet.hosts[source].overhead
        claims[target] += claim
        at[name] = target
        if move["free_after"] != {source: free(source), target: free(target)}:
            wrong.append(say + "free_after is wrong")
        if move["hop"] != (target != last[name]):
            wrong.append(say + "hop is wrong")
    blocked = {one["vm"] for one in plan["blocked"]}
    for name, vm in fleet.vms.items():
        host = fleet.hosts[at[name]]
        suits = (vm.want is None or at[name] in vm.want) and has(host.labels, vm.where) and rules.suits(name, at[name])
        if vm.managed and name not in blocked and (not suits or host.maintenance):
            wrong.append(f"{name} ends on {at[name]}, which does not suit, and is not blocked")
        if name in last and vm.want is not None and len(vm.want) == 1 and at[name] not in (vm.want[0], vm.at):
            wrong.append(f"{name} ends on {at[name]}, a hop too few")
    over = sorted(name for name in fleet.hosts if free(name) < 0)
    if over and plan["feasible"] and any(vm.managed and vm.at in over and (vm.want is None or len(vm.want) > 1)
                                         for vm in fleet.vms.values()):
        wrong.append(f"{over[0]} ends over capacity, and nothing is blocked")
    for name in sorted(rules.parted(at) - parted):
        wrong.append(f"{name} ends parted, and was not")
    if plan["bound"] > len(plan["moves"]):
        wrong.append(f"bound {plan['bound']} is above {len(plan['moves'])} moves")
    if plan["optimal"] != (plan["bound"] == len(plan["moves"])):
        wrong.append("optimal does not say what bound says")
    if plan["memory"] != sum(fleet.vms[move["vm"]].memory for move in plan["moves"]):
        wrong.append("memory is not the sum over the moves")
    return wrong
