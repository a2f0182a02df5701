"""When a fault strikes: by what berth's record and libvirt's job say of the move, not by the clock."""
import os
import re
import time

STEPS = ("volumes", "shutdown", "transfer", "define", "settle", "source-disks", "undo")
# Beyond those of the record: nothing is begun yet; data travels; the guest stands still and changes hosts; the move is
# over and its entry gone.
ORDER = ("before", "volumes", "shutdown", "transfer", "copying", "switch", "define", "settle", "source-disks", "undo", "after")
PATIENCE = 60


def instants_of(move):
    """Those that come in such a move; one that is worth more stands there more often."""
    found = ["before", "transfer", "after"]
    if move.guest.is_local:
        found += ["volumes", "source-disks", "copying", "copying"]
    if move.is_carried():
        found += ["define", "settle"]
    else:
        found += ["copying", "switch", "switch", "undo"]
    if move.how() == "stopped":
        found += ["shutdown", "settle"]
    if move.autostart:
        found += ["settle"]
    return found


class Watch:
    """Looks at one move of a round until its instant has come."""

    def __init__(self, hosts, berth, move):
        self.hosts, self.berth, self.move = hosts, berth, move
        self.was_seen = False  # in the record
        self.passing = None    # what is known of a transfer: copying, switch
        self.far = 0.0         # how much has travelled

    def phase(self):
        step = self.berth.step(self.move.guest)
        self.was_seen = self.was_seen or step is not None
        if step is None:
            return "after" if self.was_seen else "before"
        return self.passing if step == "transfer" and self.passing else step

    def wait_for(self, instant, share, begin_undo):
        """False: the move was over before it came."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            step = self.berth.step(self.move.guest)
            self.was_seen = self.was_seen or step is not None
            if instant == "before" or step == instant:
                return True
            if self.was_seen and step is None:
                return instant == "after"
            if self.berth.is_over():
                return False
            if step == "transfer" and instant in ("copying", "switch", "undo"):
                self.look_at_transfer(instant)
                if instant == "undo" and self.far > share and begin_undo is not None:
                    begin_undo()
                    begin_undo = None
                elif self.passing == instant and (instant == "switch" or self.far > share):
                    return True
            time.sleep(0.0005)
        return False

    def look_at_transfer(self, instant):
        move, guest = self.move, self.move.guest.name
        if move.is_carried():
            self.far = self.share_of_file()
            self.passing = "copying" if self.far > 0 else None
            return
        if instant == "switch" and self.far > 0.8 and move.how() == "live":
            if "paused (migrating)" in (self.hosts.virsh(move.source, "domstate", guest, "--reason", timeout=3) or ""):
                self.passing = "switch"
                return
        far = self.share_of_job()
        if far is None:
            return
        self.far, self.passing = far, "copying" if far > 0 else None
        if move.how() == "suspended" and far > 0.98:
            self.passing = "switch"

    def share_of_job(self):
        answer = self.hosts.virsh(self.move.source, "domjobinfo", self.move.guest.name, "--rawstats", timeout=3)
        figures = {key: int(value) for key, value in re.findall(r"^(\w+): (\d+)$", answer or "", re.M)}
        total = figures.get("memory_total", 0) + figures.get("disk_total", 0)
        left = figures.get("memory_remaining", 0) + figures.get("disk_remaining", 0)
        return (total - left) / total if total > 0 and figures.get("memory_processed", 0) > 0 else None

    def share_of_file(self):
        try:
            had, has = (os.stat(f"{self.hosts.images(node)}/{self.move.guest.files()[0]}").st_blocks
                        for node in (self.move.source, self.move.target))
        except (OSError, IndexError):
            return 0.0
        return min(1.0, has / had) if had else 0.0
