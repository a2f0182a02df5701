"""The sandbox's hosts, as the campaign uses them: their commands, their processes by number, their links and disks."""
import os
import re
import shlex
import signal
import subprocess
import time

DISK_MIB = 400  # of each host's images: a small disk can be filled


class Sight:
    """A VM as a host has it."""

    def __init__(self, node, vm, state, reason, persistent, autostart):
        self.node, self.vm, self.state, self.reason = node, vm, state, reason
        self.persistent, self.autostart = persistent, autostart

    def __str__(self):
        return f"{self.vm} on {self.node}, {self.state} ({self.reason})"


def read_sight(node, text):
    """From what dominfo and domstate print; None: the VM has gone away meanwhile."""
    fields = dict(re.findall(r"^(\w+): +(.*)$", text, re.M))
    state = re.search(r"^([a-z -]+) \((.*)\)$", text, re.M)
    if state is None or not {"Name", "Persistent", "Autostart"} <= fields.keys():
        return None
    return Sight(node, fields["Name"], "stopped" if state[1] == "shut off" else state[1], state[2],
                 fields["Persistent"] == "yes", fields["Autostart"] == "enable")


class Trouble(Exception):
    """The sandbox itself does not do as it is told: no finding, but the end of the round."""


class Hosts:
    def __init__(self, root, name):
        self.root, self.name = root, name
        self.folder = self.env = None
        self.nodes = []
        self.has_small_disks = False

    # --- the sandbox as a whole -------------------------------------------------------------------------------------

    def sandbox(self, *words, check=True, timeout=240):
        """examples/sandbox WORDS...: what it prints."""
        done = subprocess.run([f"{self.root}/examples/sandbox", "--name", self.name, *words], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        if check and done.returncode != 0:
            raise Trouble(f"sandbox {' '.join(words)}: {done.stdout.strip()}")
        return done.stdout

    def up(self):
        self.sandbox("up")
        self.env = dict(word.split("=", 1) for word in shlex.split(self.sandbox("env")))
        self.folder, self.nodes = self.env["SANDBOX_DIR"], self.env["SANDBOX_NODES"].split()
        self.has_small_disks = all(self.make_small_disk(node) for node in self.nodes)

    def close(self, guests, down):
        if self.folder is not None:
            self.sandbox("up", check=False)
            self.sandbox("rm", *guests, check=False)
            for node in self.nodes:
                self.thaw_all(node)
                subprocess.run([*self.inside(node), "umount", "-l", "/var/lib/libvirt/images"], stderr=subprocess.DEVNULL)
                subprocess.run(["umount", "-l", self.images(node)], stderr=subprocess.DEVNULL)
                if os.path.exists(f"{self.folder}/{node}.disk"):
                    os.unlink(f"{self.folder}/{node}.disk")
                self.virsh(node, "pool-refresh", "images")
        if down:
            self.sandbox("down", check=False)

    def make_small_disk(self, node):
        """A file system of its own for a host's images, the same inside its namespaces as outside. Needs a loop device."""
        images, image = self.images(node), f"{self.folder}/{node}.disk"
        if os.path.ismount(images):
            return True
        if os.listdir(images):
            raise Trouble(f"{images} is not empty: whose guests are these?")
        with open(image, "w") as file:
            file.truncate(DISK_MIB << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        loop = subprocess.run(["losetup", "-f", "--show", image], stdout=subprocess.PIPE, text=True)
        if loop.returncode != 0:
            return False
        device = loop.stdout.strip()
        subprocess.run(["mount", device, images], check=True)
        subprocess.run([*self.inside(node), "mount", device, "/var/lib/libvirt/images"], check=True)
        subprocess.run(["losetup", "-d", device], check=True)  # it goes with the last mount
        os.rmdir(f"{images}/lost+found")
        self.virsh(node, "pool-refresh", "images")
        return True

    def images(self, node):
        return f"{self.folder}/{node}/lib/images"

    def uri(self, node):
        return self.env[f"{node.upper()}_URI"]

    # --- commands on a host -----------------------------------------------------------------------------------------

    def holder(self, node):
        with open(f"{self.folder}/{node}/holder") as file:
            return file.read().split()[0]

    def inside(self, node):
        pid = self.holder(node)
        return ["nsenter", "--target", pid, "--mount", "--uts", "--net", f"--pid=/proc/{pid}/ns/pid_for_children", "--"]

    def virsh(self, node, *words, timeout=8):
        """virsh on that host, by no network: what it prints, or None."""
        try:
            done = subprocess.run([*self.inside(node), "virsh", "-q", "-c", "qemu:///system", *words], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def must(self, node, *words, timeout=20):
        answer = self.virsh(node, *words, timeout=timeout)
        if answer is None:
            raise Trouble(f"virsh on {node}: {' '.join(words)} failed")
        return answer

    def survey(self):
        """All VMs of all hosts."""
        return [sight for node in self.nodes for sight in self.survey_host(node)]

    def survey_host(self, node):
        for _ in range(10):
            names = self.must(node, "list", "--all", "--name").split()
            answer = self.virsh(node, ";".join(f"dominfo {name}; domstate {name} --reason" for name in names)) \
                if names else ""
            sights = [read_sight(node, text) for text in re.split(r"^Id:.*\n", answer or "", flags=re.M)[1:]]
            if [sight and sight.vm for sight in sights] == names:
                return sights
            time.sleep(0.1)  # one has gone away between the two
        raise Trouble(f"{node} does not say what it has")

    # --- processes of a host, each by its number --------------------------------------------------------------------

    def processes(self, node):
        """(number here, number there, name) of all processes in a host's namespace."""
        space = os.readlink(f"/proc/{self.holder(node)}/ns/pid_for_children")
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") != space:
                    continue
                with open(f"/proc/{entry}/status") as file:
                    status = file.read()
            except OSError:
                continue
            if re.search(r"^State:\s+[ZX]", status, re.M):
                continue
            inner = int(re.search(r"^NSpid:.*\s(\d+)$", status, re.M).group(1))
            found.append((int(entry), inner, re.search(r"^Name:\s+(.*)$", status, re.M).group(1)))
        return found

    def process(self, node, file, name):
        """The process whose number a host has in a file of its own; None: there is none."""
        try:
            with open(f"/proc/{self.holder(node)}/root/{file}") as text:
                wanted = int(text.read())
        except (OSError, ValueError):
            return None
        for pid, inner, what in self.processes(node):
            if inner == wanted and what.startswith(name):
                return pid
        return None

    def daemon(self, node):
        return self.process(node, "run/libvirtd.pid", "libvirtd")

    def qemu(self, node, vm):
        return self.process(node, f"run/libvirt/qemu/{vm}.pid", "qemu-system")

    def guests_running(self, node):
        """Names of the guests whose QEMU runs there, whatever libvirt knows."""
        names = []
        for pid, _, what in self.processes(node):
            if what.startswith("qemu-system"):
                try:
                    with open(f"/proc/{pid}/cmdline") as file:
                        match = re.search(r"guest=([^,\0]+)", file.read())
                except OSError:
                    continue
                if match:
                    names.append(match.group(1))
        return sorted(names)

    def thaw_all(self, node):
        daemon = self.daemon(node)
        if daemon is not None:
            os.kill(daemon, signal.SIGCONT)

    # --- links and disks --------------------------------------------------------------------------------------------

    def slow(self, node, rate):
        self.sandbox("fault", "slow", node, rate)

    def fill(self, node):
        """Takes all that is free on the disk of its images."""
        with open(f"{self.images(node)}/filler", "ab") as file:
            piece = 1 << 22
            while piece >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, piece)
                except OSError:
                    piece //= 4

    def empty(self, node):
        if os.path.exists(f"{self.images(node)}/filler"):
            os.unlink(f"{self.images(node)}/filler")


def wait_until(seconds, is_true, pause=0.1):
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
