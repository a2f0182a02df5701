"""Ganeti's hbal on the same fleet (package ganeti-htools, text backend), to compare with `berth propose --balance`.

It balances free RAM, disks, CPUs and more; here every VM has one virtual CPU of very many, no disk, on shared storage,
and no load, so that RAM is what remains.
"""
import os
import resource
import shutil
import subprocess

MIB = 1 << 20


def spread(fleet, at):
    """Standard deviation over hosts of claims by capacity."""
    claims = dict.fromkeys(fleet.hosts, 0)
    for name, host in at.items():
        claims[host] += fleet.vms[name].memory + fleet.hosts[host].overhead
    fills = [claims[name] / host.capacity for name, host in fleet.hosts.items()]
    mean = sum(fills) / len(fills)
    return (sum((fill - mean) ** 2 for fill in fills) / len(fills)) ** 0.5


def write(fleet, path):
    claims = fleet.claims()
    group = "11111111-2222-4333-8444-555555555555"
    with open(path, "w") as out:
        out.write(f"group|{group}|preferred||\n\n")
        for name, host in fleet.hosts.items():
            total, free = host.capacity // MIB, (host.capacity - claims[name]) // MIB
            out.write(f"{name}|{total}|0|{free}|1048576|1048576|100000|N|{group}|100000||N|100000|2|1.0\n")
        out.write("\n")
        for name, vm in fleet.vms.items():
            memory = (vm.memory + fleet.hosts[vm.at].overhead) // MIB
            out.write(f"{name}|{memory}|0|1|running|Y|{vm.at}||ext||1\n")
        limits = "1,0,0,0,0,0;16777216,64,16777216,16,8,12"
        policy = f"1024,1,1024,1,1,1|{limits}|ext|64.0|100000.0|1.0"
        out.write(f"\n\n|{policy}\ngroup|{policy}\n")


def read(path):
    """Where each VM is, of a saved state."""
    with open(path) as text:
        instances = text.read().split("\n\n")[2]
    return {line.split("|")[0]: line.split("|")[6] for line in instances.splitlines() if line}


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(fleet, directory, most_seconds):
    """Moves, seconds of CPU and spread; or a line that says why not."""
    if not shutil.which("hbal"):
        return "hbal is not installed (package ganeti-htools)"
    path = f"{directory}/hbal"
    write(fleet, path)
    before = cpu_of_children()
    try:
        done = subprocess.run(["hbal", "-t", path, "-S", path, "-C", "--ignore-dynu"], capture_output=True, text=True,
                              timeout=most_seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"hbal: over {most_seconds} s"
    seconds = cpu_of_children() - before
    if not os.path.exists(f"{path}.balanced"):
        return "hbal: " + (done.stderr or done.stdout).strip().splitlines()[-1]
    at = read(f"{path}.balanced")
    moves = sum(host != fleet.vms[name].at for name, host in at.items())
    steps = done.stdout.count("gnt-instance migrate") + done.stdout.count("gnt-instance failover")
    return {"moves": max(moves, steps), "seconds": seconds, "spread": spread(fleet, at)}
