"""What must hold when the fault is gone and berth has been run again. Each says what is wrong, in a line."""
import concurrent.futures
import os

PERSON = "user"  # libvirt's reason for a pause that somebody asked for


def check_all(scene):
    sights = scene.hosts.survey()
    wrong = [*check_runs(scene), *check_record(scene), *check_plan(scene)]
    for guest in scene.herd.guests:
        wrong += check_guest(scene, guest, [sight for sight in sights if sight.vm == guest.name])
    wrong += check_hosts(scene, sights)
    # Only now: what stands still is let go, to see that its memory is whole.
    return [*wrong, *check_witnesses(scene, sights)]


def check_runs(scene):
    """It never crashes, always ends, and run ends well when it is told to stop."""
    for number, (verb, code) in enumerate(scene.berth.runs):
        fine = (0,) if verb == "run" else (0, 3, 4, 5)
        if number not in scene.berth.killed and code not in fine:
            yield f"berth {verb} ended with {code}"


def check_record(scene):
    for name, text in scene.berth.entries().items():
        yield f"the record has {name}: {' '.join(text.split())}"


def check_plan(scene):
    plan = scene.berth.plan()
    if not plan["in_sync"]:
        yield f"not in sync: {[plan.get(key) for key in ('moves', 'blocked', 'drift', 'missing', 'unknown', 'decisions')]}"
    if scene.berth.phase() != "in-sync":
        yield f"the status says {scene.berth.phase()}"


def check_guest(scene, guest, sights):
    place, states = scene.places[guest.name], scene.states[guest.name]
    move = next((move for move in scene.moves if move.guest is guest), None)
    wanted = move.target if move else place.node
    if not sights:
        yield f"{guest.name} is lost: no host has it"
        return
    if len(sights) > 1:
        yield f"{guest.name} is on {len(sights)} hosts: {'; '.join(map(str, sights))}"
    sight = sights[0]
    if sight.node != wanted:
        yield f"{sight}, but should be on {wanted}"
    if not sight.persistent:
        yield f"{sight}, but not persistent"
    if sight.state not in states:
        yield f"{sight}, but should be {' or '.join(sorted(states))}"
    elif sight.state == "paused" and place.state != "paused" and sight.reason != PERSON:
        yield f"{sight}: nobody has asked for that"
    if scene.herd.snapshots(sight) != guest.snapshots:
        yield f"the snapshots of {guest.name} are {scene.herd.snapshots(sight)}, not {guest.snapshots}"
    # A stranger's virsh leaves the flag behind, and berth keeps what it finds.
    is_strangers = scene.fault == "stranger" and guest is scene.victim.guest
    if sight.autostart != place.autostart and not is_strangers:
        yield f"the autostart of {guest.name} has become {sight.autostart}"


def check_hosts(scene, sights):
    """No file of a guest that is elsewhere, none missing, no QEMU that its libvirt does not know."""
    for node in scene.hosts.nodes:
        here = [sight for sight in sights if sight.node == node]
        wanted = sorted(file for guest in scene.herd.guests if any(sight.vm == guest.name for sight in here)
                        for file in guest.files())
        there = sorted(os.listdir(scene.hosts.images(node)))
        if there != wanted:
            yield f"the images of {node} are {there}, not {wanted}"
        active = sorted(sight.vm for sight in here if sight.state != "stopped")
        running = scene.hosts.guests_running(node)
        if running != active:
            yield f"on {node} run QEMUs of {running}, libvirt has {active}"


def check_witnesses(scene, sights):
    for sight in sights:
        alone = [other.vm for other in sights].count(sight.vm) == 1
        if sight.state == "paused" and alone and scene.hosts.virsh(sight.node, "resume", sight.vm) is None:
            yield f"{sight} cannot be resumed"
    active = sorted({sight.vm for sight in sights if sight.state in ("running", "paused")})
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ask = lambda *words: scene.hosts.sandbox(*words, check=False)
        yield from filter(None, pool.map(lambda name: ask("wait", name, "--ticks", "2", "--timeout", "30").strip(), active))
        said = "".join(pool.map(lambda guest: ask("witness", guest.name), scene.herd.guests))
    scene.log.append(said)
    yield from (line for line in said.splitlines() if "WRONG" in line or ": on " not in line)
