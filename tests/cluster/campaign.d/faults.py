"""What can go wrong: one function a fault, and the table of them all."""
import os
import signal
import subprocess
import threading
import time

from hosts import wait_until


class Fault:
    """
    strike: does it, says what it did, and leaves in scene.repairs how it is undone.
    lasts: seconds until then. instants: when it may strike; None: whenever. fits: of which move it can be.
    """

    def __init__(self, name, strike, lasts=(0.2, 5), instants=None, fits=lambda move: True):
        self.name, self.strike, self.lasts, self.instants, self.fits = name, strike, lasts, instants, fits


def node_of(scene, side):
    return scene.victim.source if side == "source" else scene.victim.target


def heal(scene, node):
    return lambda: scene.hosts.sandbox("fault", "heal", node)


def nothing(_):
    return "nothing"


def kill_berth(scene):
    scene.berth.kill()
    return "berth killed"


def kill_daemon(side):
    def strike(scene):
        node = node_of(scene, side)
        os.kill(scene.hosts.daemon(node), signal.SIGKILL)
        scene.repairs.append(heal(scene, node))
        return f"the daemon of {node} killed"
    return strike


def restart_daemon(side):
    def strike(scene):
        node = node_of(scene, side)
        os.kill(scene.hosts.daemon(node), signal.SIGTERM)
        if not wait_until(10, lambda: scene.hosts.daemon(node) is None, 0.02):
            os.kill(scene.hosts.daemon(node), signal.SIGKILL)
        scene.hosts.sandbox("fault", "heal", node)
        scene.hosts.slow(node, scene.rate)
        return f"the daemon of {node} restarted"
    return strike


def freeze_daemon(side):
    def strike(scene):
        node = node_of(scene, side)
        os.kill(scene.hosts.daemon(node), signal.SIGSTOP)
        scene.repairs.append(heal(scene, node))
        return f"the daemon of {node} frozen"
    return strike


def power_off(side):
    """The whole host, and every guest that runs there."""
    def strike(scene):
        node = node_of(scene, side)
        scene.hosts.sandbox("fault", "power-off", node)
        scene.repairs.append(heal(scene, node))
        for guest in scene.herd.guests:
            move = next((move for move in scene.moves if move.guest is guest), None)
            if node in (scene.places[guest.name].node, move and move.target):
                scene.may_be(guest.name, "running", "stopped")
        return f"{node} powered off"
    return strike


def kill_qemu(side):
    def strike(scene):
        node, name = node_of(scene, side), scene.victim.guest.name
        pid = scene.hosts.qemu(node, name)
        if pid is None:
            return f"no QEMU of {name} on {node} to kill"
        os.kill(pid, signal.SIGKILL)
        # The one that waits for a migration's data is not the guest: that lives on.
        waits = side == "target" and scene.watch.passing != "switch" and runs_on(scene, scene.victim.source)
        if not waits:
            scene.may_be(name, "running", "stopped")
        return f"the QEMU of {name} on {node} killed"
    return strike


def runs_on(scene, node):
    time.sleep(0.3)
    return (scene.hosts.virsh(node, "domstate", scene.victim.guest.name) or "").startswith("running")


def cut_link(side):
    def strike(scene):
        node = node_of(scene, side)
        scene.hosts.sandbox("fault", "cut", node)
        scene.repairs.append(heal(scene, node))
        return f"the link of {node} cut"
    return strike


def slow_link(scene):
    node = scene.victim.target
    scene.hosts.slow(node, "2mbit")
    scene.repairs.append(heal(scene, node))
    return f"the link of {node} slowed"


def fill_disk(scene):
    node = scene.victim.target
    scene.hosts.fill(node)
    scene.repairs.append(lambda: scene.hosts.empty(node))
    return f"the disk of {node} filled"


def where_it_is(scene, wanted=""):
    """The host that has the guest, in that state; while it moves, as good as it can be told."""
    move, name = scene.victim, scene.victim.guest.name
    for node in (move.source, move.target):
        state = scene.hosts.virsh(node, "domstate", name, timeout=3)
        if state is not None and state.startswith(wanted):
            return node
    return move.source


def monitor(scene, node, command):
    """As the guest would do it: libvirt's own calls wait for a migration to end."""
    return scene.hosts.virsh(node, "qemu-monitor-command", scene.victim.guest.name, "--hmp", command, timeout=5)


def reboot_guest(scene):
    node = where_it_is(scene, "running")
    done = monitor(scene, node, "system_reset") is not None
    return f"{scene.victim.guest.name} {'' if done else 'not '}reset on {node}"


def power_off_guest(scene):
    node, name = where_it_is(scene, "running"), scene.victim.guest.name
    scene.may_be(name, "running", "stopped")
    if scene.random.random() < 0.5:
        done = monitor(scene, node, "system_powerdown") is not None
        return f"the power button of {name} {'' if done else 'not '}pressed on {node}"
    done = scene.hosts.virsh(node, "destroy", name, timeout=5) is not None
    return f"{name} {'' if done else 'not '}destroyed on {node}"


def suspend_guest(scene):
    node, name = where_it_is(scene, "running"), scene.victim.guest.name
    done = scene.hosts.virsh(node, "suspend", name, timeout=5) is not None
    scene.may_be(name, "running", "paused")
    return f"{name} {'' if done else 'not '}suspended on {node}"


def migrate_as_stranger(scene):
    """Somebody's own virsh moves the guest, and takes away the files that it leaves behind."""
    hosts, move, guest = scene.hosts, scene.victim, scene.victim.guest
    source = where_it_is(scene)
    target = scene.random.choice([node for node in hosts.nodes if node != source])
    left = [(path, os.stat(path).st_ino) for path in (f"{hosts.images(source)}/{file}" for file in guest.files())
            if os.path.exists(path)]
    there = set(os.listdir(hosts.images(target)))
    words = ["--offline"] if move.state == "stopped" else ["--live"]
    if guest.is_local:
        words += ["--copy-storage-all", "--migrate-disks", "vda"]
    process = subprocess.Popen(["virsh", "-q", "-c", hosts.uri(source), "migrate", *words, "--persistent",
                                "--undefinesource", guest.name, hosts.uri(target)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def follow():
        text = process.communicate()[0].strip()
        scene.note(f"the stranger's migrate of {guest.name} {source}→{target} ended with {process.returncode} {text}")
        if process.returncode == 0 and hosts.virsh(source, "domid", guest.name) is None:
            for path, number in left:
                if os.path.exists(path) and os.stat(path).st_ino == number:
                    os.unlink(path)
            hosts.virsh(source, "pool-refresh", "images")
        if process.returncode != 0 and scene.berth.step(guest) is None and hosts.virsh(target, "dominfo", guest.name) is None:
            for file in (set(guest.files()) & set(os.listdir(hosts.images(target)))) - there:
                os.unlink(f"{hosts.images(target)}/{file}")  # libvirt makes it, and leaves it
            hosts.virsh(target, "pool-refresh", "images")

    thread = threading.Thread(target=follow)
    thread.start()

    def end():
        thread.join(60)
        if thread.is_alive():
            process.kill()
            thread.join()
    scene.repairs.append(end)
    return f"a stranger migrates {guest.name} {source}→{target}"


def freeze_at_switch(scene):
    """The target's daemon freezes when the source is about to hand over; then berth is killed; then it thaws."""
    move, name = scene.victim, scene.victim.guest.name
    freeze_daemon("target")(scene)
    text = "not at the switch"
    end = time.monotonic() + 8
    while time.monotonic() < end and not scene.berth.is_over():
        state = scene.hosts.virsh(move.source, "domstate", name, "--reason", timeout=3) or ""
        was_paused = move.state == "paused" and scene.watch.share_of_job() in (None, 1.0)
        if "paused (migrating)" in state or was_paused:
            text = f"{name} stands between Perform and Confirm"
            scene.watch.passing = "switch"
            break
    time.sleep(scene.random.uniform(0, 1.5))  # the last of its memory may still be on its way
    scene.berth.kill()
    return f"the daemon of {move.target} frozen, berth killed: {text}"


def is_on(move):
    return move.state == "running"


def is_live(move):
    return move.how() == "live"


def can_be_strangers(move):
    """Not a paused one: QEMU 7.2 dies when a VM with a network disk that came paused goes on before it has run."""
    return move.state == "running" or (move.state == "stopped" and not move.guest.is_local)


SIDES = ("source", "target")
FAULTS = [
    Fault("none", nothing, (0, 0), ("before",)),
    Fault("berth-killed", kill_berth, (0, 2)),
    *(Fault(f"daemon-killed-{side}", kill_daemon(side)) for side in SIDES),
    *(Fault(f"daemon-restarted-{side}", restart_daemon(side), (0, 0)) for side in SIDES),
    *(Fault(f"daemon-frozen-{side}", freeze_daemon(side), (0.2, 14)) for side in SIDES),
    Fault("qemu-killed-source", kill_qemu("source"), (0, 1),
          ("before", "volumes", "shutdown", "transfer", "copying", "switch", "undo"), lambda move: move.state != "stopped"),
    Fault("qemu-killed-target", kill_qemu("target"), (0, 1), ("copying", "switch", "settle", "source-disks", "after"),
          lambda move: not move.is_carried()),
    *(Fault(f"power-off-{side}", power_off(side), (0.2, 12)) for side in SIDES),
    *(Fault(f"link-cut-{side}", cut_link(side), (0.2, 12)) for side in SIDES),
    Fault("link-slowed", slow_link, (1, 6)),
    Fault("disk-filled", fill_disk, (1, 6), ("before", "volumes", "transfer", "copying"), lambda move: move.guest.is_local),
    Fault("guest-rebooted", reboot_guest, (0, 1), fits=is_on),
    Fault("guest-powered-off", power_off_guest, (0, 1), fits=is_on),
    Fault("guest-suspended", suspend_guest, (0, 1), fits=is_on),
    Fault("stranger", migrate_as_stranger, (0, 1), fits=can_be_strangers),
    Fault("switch", freeze_at_switch, (0.2, 6), ("copying",), is_live),
]
