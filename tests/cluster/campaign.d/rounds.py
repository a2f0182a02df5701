"""One round: moves, a fault in the midst of them, its end, berth again, and what must hold then."""
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

import checks
from guests import Berth, Move
from hosts import Trouble
from phases import STEPS, Watch, instants_of

RUNS = 8             # of berth after the fault, at most
SECONDS = 90         # for each of them
TO_CONVERGE = 90     # for berth run
RATES = ("120mbit", "200mbit", "300mbit")


class Scene:
    """A round while it goes on: what faults and checks work with."""

    def __init__(self, herd, seed):
        self.herd, self.hosts, self.seed = herd, herd.hosts, seed
        self.random = random.Random(seed)
        self.begun = time.monotonic()
        self.log = []
        self.moves = []
        self.places = {}   # of all guests before the round
        self.states = {}   # in which each may be after it
        self.repairs = []
        self.fault = None
        self.let_go = set()  # resumed for a moment, as berth asked for
        self.by_hand = []  # what a person had to do, as berth asked for
        self.berth = self.watch = self.rate = None

    @property
    def victim(self):
        return self.moves[0]

    def note(self, text):
        self.log.append(f"{time.monotonic() - self.begun:7.3f}  {text}")

    def may_be(self, name, *states):
        self.states[name] = self.states[name] | set(states)

    def draw(self, fault):
        """The moves: the same for the same seed and fault. The first is the one that the fault is for."""
        dice = self.random
        self.fault = fault.name
        while not self.moves or not fault.fits(self.victim):
            count = dice.choice((1, 1, 2, 3))
            self.moves = [Move(guest, dice.choice(("live", "live", "suspended", "stopped")),
                               dice.choice(("running", "running", "running", "paused", "stopped")),
                               dice.random() < 0.3, dice.choice((1, 2)), dice.choice(("delete",) * 4 + ("1s",)),
                               dice.choice(("suspend",) * 3 + ("abort",)))  # post-copy may lose a guest: that is its price
                          for guest in dice.sample(self.herd.guests, count)]
        self.rate = dice.choice(RATES)
        self.verb = dice.choice((("apply", "--yes"), ("apply", "--yes"), ("run",)))
        self.instant = dice.choice([one for one in instants_of(self.victim)
                                    if fault.instants is None or one in fault.instants] or ["before"])
        self.share = dice.uniform(0.75, 0.97) if fault.name == "switch" else dice.uniform(0.02, 0.9)
        self.holds = self.instant in STEPS and fault.name not in ("none", "berth-killed") and dice.random() < 0.5
        self.delay = dice.choice((0, 0, dice.uniform(0, 0.02), dice.uniform(0, 0.4)))
        self.lasts = dice.uniform(*fault.lasts)
        self.twice = fault.name == "berth-killed" and dice.random() < 0.3


class Result:
    """What the campaign tells of a round."""

    def __init__(self, scene, fault, phase, struck, wrong):
        self.seed, self.fault, self.phase, self.struck, self.wrong = scene.seed, fault.name, phase, struck, wrong
        self.seconds = time.monotonic() - scene.begun
        self.moves, self.verb, self.by_hand, self.log = scene.moves, scene.verb[0], scene.by_hand, scene.log
        self.codes = [str(code) for _, code in scene.berth.runs] if scene.berth else []
        # berth run goes on by itself: its log tells whether the first try was the last.
        self.at_once = self.codes[:1] == ["0"] and not re.search(r"event=move\.(failed|open|refused)", "\n".join(self.log))

    def outcome(self):
        if self.wrong:
            return "FAILED"
        if self.by_hand:
            return "by hand"
        return "at once" if self.at_once else "later"

    def line(self):
        moves = ", ".join(map(str, self.moves))
        hand = f"; by hand: {'; '.join(self.by_hand)}" if self.by_hand else ""
        return (f"{'ok' if not self.wrong else 'FAILED':6} {self.seed}  {self.fault} at {self.phase}: {self.struck}; "
                f"{self.verb}: {moves}; ended {' '.join(self.codes)}{hand}  ({self.seconds:.1f} s)")


def play(herd, binary, fault, seed):
    scene = Scene(herd, seed)
    folder = tempfile.mkdtemp(prefix="berth-campaign.")
    phase, struck, wrong = "before", "nothing", []
    scene.draw(fault)
    try:
        scene.places = herd.prepare(scene.moves)
        scene.states = {name: {sight.state} for name, sight in scene.places.items()}
        scene.note(f"before: {'; '.join(map(str, scene.places.values()))}")
        scene.begun = time.monotonic()
        for node in scene.hosts.nodes:
            scene.hosts.slow(node, scene.rate)
        scene.berth = Berth(binary, scene.hosts, folder)
        scene.berth.place(scene.places, scene.moves)
        phase, struck = act(scene, fault)
        converge(scene)
        wrong = list(checks.check_all(scene))
    except (Trouble, OSError, subprocess.SubprocessError) as trouble:
        wrong = [f"trouble: {trouble}"]
    finally:
        if scene.berth is not None and scene.berth.process is not None:
            scene.berth.kill()
            scene.log.append(tell(scene))
        repair(scene)
        shutil.rmtree(folder)
    scene.log += wrong
    return Result(scene, fault, phase, struck, wrong)


def act(scene, fault):
    """Runs berth until the fault has struck and is over."""
    berth = scene.berth
    scene.watch = Watch(scene.hosts, berth, scene.victim)
    berth.start(*scene.verb)
    if fault.name == "none":
        return "none", "nothing"
    if scene.instant == "before":
        scene.delay = scene.random.uniform(0, 0.6)
    came = scene.watch.wait_for(scene.instant, scene.share, lambda: abort_job(scene))
    if scene.holds and came:
        os.kill(berth.process.pid, signal.SIGSTOP)
    elif scene.delay:
        time.sleep(scene.delay)
    phase = scene.watch.phase()
    struck = fault.strike(scene)
    phase = "switch" if fault.name == "switch" and scene.watch.passing == "switch" else phase
    scene.note(f"{struck}, at {phase} (wanted: {scene.instant}), {scene.watch.far:.0%} copied{', held' if scene.holds else ''}")
    if scene.holds and came:
        time.sleep(scene.random.uniform(0, 0.5))
        if not berth.is_over():
            os.kill(berth.process.pid, signal.SIGCONT)
    end = time.monotonic() + scene.lasts
    while time.monotonic() < end:
        time.sleep(0.05)
    repair(scene)
    return phase, struck


def abort_job(scene):
    scene.note("somebody aborts the job")
    scene.hosts.virsh(scene.victim.source, "domjobabort", scene.victim.guest.name)


def repair(scene):
    for undo in scene.repairs:
        undo()
    scene.repairs.clear()
    for node in scene.hosts.nodes:
        if scene.hosts.daemon(node) is None:
            scene.hosts.sandbox("fault", "heal", node)
    scene.note("the fault is over")


def converge(scene):
    """berth again, until it has nothing to do, or is not going to have."""
    berth = scene.berth
    if scene.verb[0] == "run":
        if berth.is_over():
            berth.start("run")
        settled = lambda: berth.phase() == "in-sync" and not berth.entries()
        end = time.monotonic() + TO_CONVERGE
        while time.monotonic() < end and not settled() and not berth.is_over():
            time.sleep(0.5)
            do_by_hand(scene)
        scene.note(f"berth run: {berth.phase()}")
        if not berth.is_over():
            berth.process.terminate()
        berth.end(SECONDS)
    elif not berth.is_over():
        berth.end(SECONDS)
    # What struck when berth was done, as a stranger's move does, is for its next run.
    if scene.verb[0] == "apply" and berth.runs[-1][1] == 0 and not berth.entries() and berth.plan()["in_sync"]:
        return
    for number in range(RUNS):
        do_by_hand(scene)
        berth.start("apply", "--yes")
        if scene.twice:
            scene.twice = False
            time.sleep(scene.random.uniform(0, 1.5))
            berth.kill()
            continue
        berth.end(SECONDS)
        scene.note(f"berth apply: {berth.runs[-1][1]}")
        if berth.runs[-1][1] == 0 and not berth.entries():
            return
        time.sleep(1)


def do_by_hand(scene):
    """What berth leaves to a person, and says so."""
    hosts = scene.hosts
    for path, node in re.findall(r"(/\S+) is on (\w+), and it cannot be told whether this move made it",
                                 scene.berth.output()):
        file = os.path.basename(path)
        used = any(file in guest.files() and sight.vm == guest.name and sight.node == node
                   for sight in hosts.survey() for guest in scene.herd.guests)
        if not used and os.path.exists(f"{hosts.images(node)}/{file}"):
            os.unlink(f"{hosts.images(node)}/{file}")
            hosts.virsh(node, "pool-refresh", "images")
            do(scene, f"{file} removed from {node}")
    for sight in hosts.survey():
        if is_waited_for(scene, sight) and sight.state == "paused":
            hosts.virsh(sight.node, "resume", sight.vm)
            do(scene, f"{sight.vm} resumed on {sight.node}, to hear that it was asked to shut down")
        if is_waited_for(scene, sight) and sight.state == "running":
            hosts.virsh(sight.node, "shutdown", sight.vm)
            do(scene, f"{sight.vm} shut down on {sight.node}, as it was asked to")
        if is_undecided(scene, sight):
            hosts.virsh(sight.node, "destroy", sight.vm)
            hosts.virsh(sight.node, "undefine", sight.vm)
            do(scene, f"{sight.vm} kept on {scene.victim.target} and ended on {sight.node}, as it was paused before")
        if sight.state == "paused" and sight.vm not in scene.let_go and re.search(
                rf"{sight.vm}\b.*(\n.*)?resume it for a\s+moment before", scene.berth.output(len(scene.berth.runs) - 1)):
            scene.let_go.add(sight.vm)
            hosts.virsh(sight.node, "resume", sight.vm)
            hosts.virsh(sight.node, "suspend", sight.vm)
            do(scene, f"{sight.vm} resumed for a moment on {sight.node}, as was asked for")
        if sight.state == "paused" and sight.reason == "I/O error":
            hosts.virsh(sight.node, "resume", sight.vm)
            do(scene, f"{sight.vm} resumed on {sight.node} after its disk was full")


def is_waited_for(scene, sight):
    """Its guest was asked to shut down, nobody knows whether it will: for a while berth leaves the VM alone."""
    guest = next(guest for guest in scene.herd.guests if guest.name == sight.vm)
    return any(name.startswith(f"{guest.uuid}+{sight.node}+") and "asked_off: true" in text and "due: " in text
               for name, text in scene.berth.entries().items())


def is_undecided(scene, sight):
    """
    This is the source's of a VM that was paused before its move, and now stands on both hosts: which of them somebody
    has let run in the meantime only a person knows.
    """
    move = next((move for move in scene.moves if move.guest.name == sight.vm), None)
    return (move is not None and move.state == "paused" and sight.node == move.source and sight.state == "paused"
            and scene.berth.phase() == "needs-decision"
            and any(other.vm == sight.vm and other.node == move.target and other.state == "paused" and other.persistent
                    for other in scene.hosts.survey()))


def do(scene, text):
    scene.by_hand.append(text)
    scene.note(f"by hand: {text}")


def tell(scene):
    """What berth printed, run for run."""
    text = []
    for number, (verb, code) in enumerate(scene.berth.runs):
        text.append(f"--- berth {verb}, ended with {code}\n{scene.berth.output(number).rstrip()}")
    return "\n".join(text)
