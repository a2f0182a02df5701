"""What the programs of this folder share: running and measuring berth, tables, the generator as a module."""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))

# Run by a small interpreter of its own: the peak of a child's memory begins with that of the process it was forked from.
MEASURE = """
import os, sys, time
out, limit, *command = sys.argv[1:]
start = time.monotonic()
pid = os.fork()
if pid == 0:
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(os.open(out + '.err', os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit)))
    os.execv(command[0], command)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def load_generator():
    loader = importlib.machinery.SourceFileLoader("generate", f"{HERE}/generate")
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("generate", loader))
    loader.exec_module(module)
    return module


class Run:
    """One run of berth: code (negative: a signal), seconds of CPU and by the clock, peak memory in MiB, the plan."""

    def __init__(self, berth, placement, inventory, out, verb=("plan",), limit=600, times=1):
        command = [berth, *verb, "--desired", placement, "--inventory", inventory, "-o", "json"]
        runs = []
        while len(runs) < times:
            done = subprocess.run([sys.executable, "-S", "-c", MEASURE, out, str(limit), *command], capture_output=True,
                                  text=True, check=True)
            code, wall, cpu, peak = done.stdout.split()
            runs.append((float(cpu), float(wall), int(peak) / 1024, int(code)))
            if float(cpu) > 2:
                break  # long enough to be steady
        self.cpu, self.wall, self.peak, self.code = sorted(runs)[len(runs) // 2]
        with open(out) as text:
            self.text = text.read()
        with open(out + ".err") as text:
            self.errors = text.read()
        self.plan = json.loads(self.text) if self.code in (0, 2, 3) else None

    def failure(self):
        if self.plan is not None:
            return None
        return f"ended with {self.code}: {(self.errors.strip() or 'nothing on standard error').splitlines()[-1]}"


def plan_fleet(berth, fleet, directory, **more):
    fleet.write(directory)
    return Run(berth, f"{directory}/placement", f"{directory}/inventory.yaml", f"{directory}/plan.json", **more)


def table(title, head, rows):
    """Aligned: text to the left, numbers to the right."""
    print(f"\n{title}\n")
    cells = [[cell(one) for one in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    left = [all(isinstance(row[i], str) for row in rows) for i in range(len(head))]
    for row in cells:
        print("  " + "  ".join(text.ljust(widths[i]) if left[i] else text.rjust(widths[i])
                               for i, text in enumerate(row)).rstrip())
    sys.stdout.flush()


def cell(one):
    if isinstance(one, bool):
        return "yes" if one else "no"
    return f"{one:.3f}" if isinstance(one, float) else str(one)
