"""The guests of the campaign, what is wanted of them in a round, and berth itself."""
import glob
import json
import os
import re
import signal
import subprocess

from hosts import Trouble, wait_until

# Each a witness of the sandbox. They stay from round to round, wherever a round leaves them.
KINDS = {
    "net-1": "network",
    "net-2": "network",
    "raw-1": "local-raw",
    "qcow-1": "local-qcow2",
    "qcow-2": "local-qcow2",
    "mix-1": "mixed",
    "snap-1": "network-qcow2",
}
SNAPSHOT = "kept"  # what each guest has whose disk takes one
SHUTDOWN = "40s"  # for a guest that is not going to
PAYLOAD_MIB = 16  # on each disk: what a copy takes some time for


class Guest:
    def __init__(self, name):
        self.name, self.kind = name, KINDS[name]
        self.is_local = not self.kind.startswith("network")
        self.snapshots = [SNAPSHOT] if self.kind == "network-qcow2" else []
        self.uuid = None

    def files(self):
        """Of its local disks, as they are called in the images of the host that has it."""
        if not self.is_local:
            return []
        return [f"{self.name}.raw" if self.kind == "local-raw" else f"{self.name}.qcow2"]


class Move:
    """What a round wants of a guest: from where it is, as it is, to another host."""

    def __init__(self, guest, mode, state, autostart, hosts_on, source_disks, on_stall):
        self.guest, self.mode, self.state, self.autostart, self.hosts_on = guest, mode, state, autostart, hosts_on
        self.source_disks, self.on_stall = source_disks, on_stall
        self.source = self.target = None

    def __str__(self):
        return f"{self.guest.name} {self.state} {self.how()} {self.source}→{self.target}"

    def how(self):
        """The mode that berth will call it."""
        if self.state == "stopped":
            return "offline"
        return "suspended" if self.state == "paused" and self.mode == "stopped" else self.mode

    def is_carried(self):
        """Copied by berth, not migrated by libvirt."""
        return self.how() in ("offline", "stopped")


class Herd:
    def __init__(self, hosts):
        self.hosts = hosts
        self.guests = [Guest(name) for name in KINDS]

    def remove(self, *guests):
        self.hosts.sandbox("rm", *(guest.name for guest in guests or self.guests))

    def create(self, guest, node):
        self.hosts.sandbox("vm", guest.name, "--host", node, "--disk", guest.kind, "--payload", str(PAYLOAD_MIB))
        guest.uuid = self.hosts.must(node, "domuuid", guest.name).strip()
        if guest.snapshots:
            self.hosts.sandbox("wait", guest.name)
            self.hosts.must(node, "snapshot-create-as", guest.name, SNAPSHOT)

    def mend(self):
        """Whoever is not on exactly one host, with a definition, is made anew."""
        sights, made = self.hosts.survey(), []
        for number, guest in enumerate(self.guests):
            mine = [sight for sight in sights if sight.vm == guest.name]
            if guest.uuid is None or len(mine) != 1 or not mine[0].persistent or \
                    self.snapshots(mine[0]) != guest.snapshots:
                if guest.uuid is not None or mine:
                    self.remove(guest)
                self.create(guest, self.hosts.nodes[number % len(self.hosts.nodes)])
                made.append(guest.name)
        if made:
            self.hosts.sandbox("wait", *made)

    def snapshots(self, sight):
        return (self.hosts.virsh(sight.node, "snapshot-list", sight.vm, "--name") or "").split()

    def prepare(self, moves):
        """Brings the guests that are to move into the state that they begin in; says where each of all is."""
        hosts, booting = self.hosts, []
        places = {sight.vm: sight for sight in hosts.survey()}
        for sight in places.values():
            if sight.state == "paused":  # none is moved twice without having run, see can_be_strangers()
                hosts.must(sight.node, "resume", sight.vm)
                sight.state = "running"
        for move in moves:
            sight, name = places[move.guest.name], move.guest.name
            if (sight.state == "stopped") != (move.state == "stopped"):
                if move.state == "stopped":
                    self.turn_off(sight)
                else:
                    hosts.must(sight.node, "start", name)
                    booting.append(name)
            if move.autostart != sight.autostart:
                hosts.must(sight.node, "autostart", name, *([] if move.autostart else ["--disable"]))
        if booting:
            hosts.sandbox("wait", *booting)
        for move in moves:
            sight = places[move.guest.name]
            if move.state == "paused":
                hosts.must(sight.node, "suspend", sight.vm)
            move.source = sight.node
            move.target = hosts.nodes[(hosts.nodes.index(sight.node) + move.hosts_on) % len(hosts.nodes)]
        return {sight.vm: sight for sight in hosts.survey()}

    def turn_off(self, sight):
        self.hosts.must(sight.node, "shutdown", sight.vm)
        is_off = lambda: (self.hosts.virsh(sight.node, "domstate", sight.vm) or "").startswith("shut off")
        if not wait_until(15, is_off):
            raise Trouble(f"{sight.vm} does not shut down")


class Berth:
    """The program with a placement, a record and a configuration of the round's own."""

    def __init__(self, binary, hosts, folder):
        self.binary, self.hosts, self.folder = binary, hosts, folder
        self.repo, self.state, self.config = f"{folder}/repo", f"{folder}/state", f"{folder}/berth.yaml"
        self.process = None
        self.runs = []  # (verb, how it ended), to be told
        self.killed = set()
        os.makedirs(self.repo)
        with open(self.config, "w") as file:
            file.write("deadline: 3s\ncontroller: campaign\nresync: 1s\nlimits: {failures: none}\n")
        self.git("init", "-q", "-b", "main")
        with open(f"{self.repo}/hosts.yaml", "w") as file:
            file.write(hosts.sandbox("hosts-yaml"))

    def git(self, *words):
        done = subprocess.run(["git", "-C", self.repo, "-c", "user.name=Operator", "-c", "user.email=op@example.net", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout if done.returncode == 0 else ""

    def place(self, places, moves):
        """Commits what is wanted: the moves, and the others where they are."""
        lines = ["vms:"]
        for name, sight in sorted(places.items()):
            move = next((one for one in moves if one.guest.name == name), None)
            how = {None: "live", "stopped": f"stopped, timeout: {SHUTDOWN}"}.get(move and move.mode, move and move.mode)
            more = f", source_disks: {move.source_disks}, on_stall: {move.on_stall}, stall_timeout: 2s" if move else ""
            lines.append(f"  {name}: {{host: {move.target if move else sight.node}, migration: {{mode: {how}{more}}}}}")
        with open(f"{self.repo}/placement.yaml", "w") as file:
            file.write("\n".join(lines) + "\n")
        self.git("add", ".")
        self.git("commit", "-qm", "A placement")

    def command(self, *words):
        return [self.binary, *words, "--config", self.config, "--repo", self.repo, "--state", self.state]

    def start(self, *words):
        number = len(self.runs)
        self.runs.append([words[0], None])
        with open(f"{self.folder}/berth-{number}.out", "w") as out:
            self.process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT)

    def is_over(self):
        if self.process.poll() is None:
            return False
        self.runs[-1][1] = self.process.returncode
        return True

    def end(self, seconds):
        """Waits for its end; a berth that does not end is killed, and False returned."""
        over = wait_until(seconds, self.is_over, 0.05)
        if not over:
            self.process.kill()
            wait_until(5, self.is_over, 0.05)
            self.runs[-1][1] = "does not end"
        return over

    def kill(self):
        if not self.is_over():
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.is_over()
            self.killed.add(len(self.runs) - 1)

    def output(self, number=None):
        text = []
        for i in range(len(self.runs)) if number is None else [number]:
            with open(f"{self.folder}/berth-{i}.out") as file:
                text.append(file.read())
        return "".join(text)

    def plan(self):
        done = subprocess.run(self.command("plan", "-o", "json"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=60)
        return json.loads(done.stdout) if done.stdout.startswith("{") else {"in_sync": False}

    def phase(self):
        """As the last commit of the status branch tells it, if that was made for the present placement."""
        text = self.git("show", "berth/status:status.yaml")
        desired = re.search(r"^desired: (\w+)", text, re.M)
        phase = re.search(r"^phase: (\S+)", text, re.M)
        return phase.group(1) if phase and desired and desired.group(1) == self.git("rev-parse", "main").strip() else None

    # --- its record -------------------------------------------------------------------------------------------------

    def entries(self):
        """What of the record is left: name and text of each file."""
        found = {}
        for path in glob.glob(f"{self.state}/*/moves/*"):
            try:
                with open(path) as file:
                    found[os.path.basename(path)] = file.read()
            except FileNotFoundError:
                continue
        return found

    def step(self, guest):
        """The step that the record has of a guest's move, or None."""
        for name, text in self.entries().items():
            match = re.search(r"^step: (\S+)", text, re.M)
            if name.startswith(guest.uuid) and match:
                return match.group(1)
        return None
