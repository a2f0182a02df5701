"""A fleet in memory: what is wanted and what is, written as berth's input and read back from it.

It reads the YAML that the programs of this folder write (block mappings, one-line flow values, no block lists), nothing
more: 250,000 VMs take seconds. Sizes are bytes. `Fleet.read` is what the checker starts from, so that it judges a plan
by the very files that berth was given.
"""
import json
import os
import re
import uuid
from dataclasses import dataclass, field

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s{}\[\],:'\"][^{}\[\],:'\"]*")
MOST_IN_FILE = 20_000  # VMs: berth refuses files of more than 4 MiB
NAMESPACE = uuid.UUID("7a3c1a52-4f0f-4c55-9a2f-6f1f0b2f6d10")


@dataclass(slots=True)
class Host:
    memory: int
    reserve: int = 0
    overhead: int = 0
    labels: dict = field(default_factory=dict)
    maintenance: bool = False
    pool_free: int | None = None  # of its one pool

    @property
    def capacity(self):
        return max(self.memory - self.reserve, 0)


@dataclass(slots=True)
class VM:
    memory: int
    at: str
    want: list | None = None  # hosts; None: auto
    where: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)
    disk: tuple | None = None  # size and used of a local disk
    managed: bool = True


@dataclass
class Fleet:
    hosts: dict = field(default_factory=dict)
    vms: dict = field(default_factory=dict)
    policies: dict = field(default_factory=dict)

    def claims(self):
        """Claims by host."""
        claims = dict.fromkeys(self.hosts, 0)
        for vm in self.vms.values():
            claims[vm.at] += vm.memory + self.hosts[vm.at].overhead
        return claims

    def in_place(self):
        """The same fleet, pinned to where everybody is: reading it costs as much, and there is nothing to plan."""
        vms = {name: VM(vm.memory, vm.at, [vm.at], disk=vm.disk, labels=vm.labels) for name, vm in self.vms.items()}
        return Fleet({name: Host(h.memory, h.reserve, h.overhead, h.labels, False, h.pool_free)
                      for name, h in self.hosts.items()}, vms, {})

    def write(self, directory, shuffle=None):
        """Writes DIR/placement/*.yaml and DIR/inventory.yaml. shuffle: a random.Random that disturbs the order."""
        def items(mapping):
            pairs = list(mapping.items())
            if shuffle:
                shuffle.shuffle(pairs)
            return pairs
        os.makedirs(f"{directory}/placement", exist_ok=True)
        for name in os.listdir(f"{directory}/placement"):
            os.unlink(f"{directory}/placement/{name}")
        with open(f"{directory}/placement/hosts.yaml", "w") as out:
            out.write("hosts:\n")
            for name, host in items(self.hosts):
                keys = [f"uri: 'test:///{name}'", f"memory: {{reserve: {size(host.reserve)}, "
                                                  f"overhead: {size(host.overhead)}}}"]
                keys += [f"labels: {flow(host.labels)}"] if host.labels else []
                keys += ["maintenance: true"] if host.maintenance else []
                out.write(f"  {name}: {{{', '.join(keys)}}}\n")
        lines = []
        for name, vm in items(self.vms):
            if vm.managed:
                want = "auto" if vm.want is None else vm.want[0] if len(vm.want) == 1 else flow(vm.want)
                keys = [f"host: {want}"]
                keys += [f"where: {flow(vm.where)}"] if vm.where else []
                keys += [f"labels: {flow(vm.labels)}"] if vm.labels else []
                lines.append(f"  {name}: {{{', '.join(keys)}}}\n")
        for start in range(0, max(len(lines), 1), MOST_IN_FILE):
            with open(f"{directory}/placement/vms-{start // MOST_IN_FILE + 1}.yaml", "w") as out:
                out.write("vms:\n" if lines else "# none\n")
                out.writelines(lines[start:start + MOST_IN_FILE])
        with open(f"{directory}/placement/policies.yaml", "w") as out:
            out.write("policies:\n" if self.policies else "# none\n")
            for name, policy in items(self.policies):
                out.write(f"  {name}: {flow(policy)}\n")
        there = {name: [] for name in self.hosts}
        for name, vm in items(self.vms):
            there[vm.at].append((name, vm))
        with open(f"{directory}/inventory.yaml", "w") as out:
            out.write("hosts:\n")
            for name, host in items(self.hosts):
                pools = "{}" if host.pool_free is None else \
                    f"{{images: {{type: dir, path: /images, state: active, formats: [qcow2], " \
                    f"free: {size(host.pool_free)}}}}}"
                out.write(f"  {name}:\n    memory: {size(host.memory)}\n    libvirt: 9.0.0\n    qemu: 7.2.22\n"
                          f"    pools: {pools}\n    vms:{'' if there[name] else ' {}'}\n")
                for vm_name, vm in there[name]:
                    disks = "" if vm.disk is None else \
                        f"vda: {{storage: local, format: qcow2, source: /images/{vm_name}, " \
                        f"size: {size(vm.disk[0])}, used: {size(vm.disk[1])}}}"
                    out.write(f"      {vm_name}: {{uuid: {uuid.uuid5(NAMESPACE, vm_name)}, state: running, "
                              f"memory: {size(vm.memory)}, disks: {{{disks}}}}}\n")

    @staticmethod
    def read(placement, inventory):
        """What Fleet.write wrote, or another program that keeps to the same layout."""
        wanted = {"defaults": {}, "hosts": {}, "vms": {}, "policies": {}}
        for name in sorted(os.listdir(placement)):
            for section, entries in read_yaml(f"{placement}/{name}").items():
                wanted[section].update(entries)
        fleet = Fleet(policies=wanted["policies"])
        usual = {"reserve": "1GiB", "overhead": "0B"} | wanted["defaults"].get("memory", {})
        for name, seen in read_yaml(inventory)["hosts"].items():
            entry = wanted["hosts"][name]
            memory = usual | entry.get("memory", {})
            pools = seen.get("pools") or {}
            fleet.hosts[name] = Host(bytes_of(seen["memory"]), bytes_of(memory["reserve"]), bytes_of(memory["overhead"]),
                                     entry.get("labels", {}), entry.get("maintenance") == "true",
                                     bytes_of(pools["images"]["free"]) if pools else None)
            for vm_name, vm in (seen["vms"] or {}).items():
                entry = wanted["vms"].get(vm_name)
                disk = vm["disks"].get("vda")
                want = (entry or {}).get("host", "auto")
                fleet.vms[vm_name] = VM(bytes_of(vm["memory"]), name,
                                        None if want == "auto" else [want] if isinstance(want, str) else want,
                                        (entry or {}).get("where", {}), (entry or {}).get("labels", {}),
                                        disk and (bytes_of(disk["size"]), bytes_of(disk["used"])), entry is not None)
        return fleet


def size(number):
    """The largest unit that keeps it whole."""
    for unit in ("GiB", "MiB", "KiB"):
        if number % UNITS[unit] == 0:
            return f"{number // UNITS[unit]}{unit}"
    return f"{number}B"


def bytes_of(text):
    digits = text.rstrip("BKMGTi")
    return int(digits) * UNITS[text[len(digits):]]


def flow(value):
    """YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    return str(value)


def read_flow(text):
    """All scalars are text."""
    if text[0] in "{[":
        return json.loads(TOKEN.sub(lambda token: json.dumps(token[0].strip().strip("'\"")), text))
    return text.strip("'\"")


def read_yaml(path):
    root = {}
    stack = [(-1, root)]
    with open(path) as lines:
        for line in lines:
            text = line.strip()
            if not text or text[0] == "#":
                continue
            indent = len(line) - len(line.lstrip())
            while stack[-1][0] >= indent:
                stack.pop()
            key, _, value = text.partition(":")
            value = value.strip()
            if value:
                stack[-1][1][key] = read_flow(value)
            else:
                inner = stack[-1][1][key] = {}
                stack.append((indent, inner))
    return root
