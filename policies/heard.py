"""What has been heard of images so far, by digest, tag and row: the evidence that facts are made of offline."""

from __future__ import annotations

from collections import defaultdict

from policies.evidence import ScanEvidence
from policies.history import Entry, Verdict
from policies.pushes import PushEvidence, join_pushes
from rollouts.model import Image, Phase


class Heard:
    """Entries as they come, in the order of time."""

    def __init__(self) -> None:
        self._pushes: dict[tuple[str, str], dict[str, PushEvidence]] = defaultdict(dict)
        self._scans: dict[tuple[str, str], dict[tuple[str, str], ScanEvidence]] = defaultdict(dict)
        self._names: dict[tuple[str, str, str], PushEvidence] = {}
        self._verdicts: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)

    def hear(self, entry: Entry) -> None:
        """Keep it as the service does: of a scanner its latest word on a digest, of a tag its latest push."""
        match entry:
            case PushEvidence():
                self._push(entry)
            case ScanEvidence():
                self._scan(entry)
            case Verdict():
                self._verdicts[entry.registry, entry.repository, entry.policy].append(entry)

    def _push(self, push: PushEvidence) -> None:
        known = self._pushes[push.registry, push.digest]
        joined = join_pushes(known[push.key], push) if push.key in known else push
        known[push.key] = joined
        if push.tag:
            name = (push.registry, push.repository, push.tag)
            last = self._names.get(name, joined)
            # A copy that another region tells of later is no later push of the tag.
            if last.digest == push.digest or last.pushed_at <= joined.pushed_at:
                self._names[name] = joined

    def _scan(self, scan: ScanEvidence) -> None:
        for digest in {scan.digest, scan.index_digest} - {""}:
            known = self._scans[scan.registry, digest]
            last = known.get((scan.digest, scan.scanner))
            if last is None or last.completed_at <= scan.completed_at:
                known[scan.digest, scan.scanner] = scan

    def pushes(self, image: Image) -> tuple[PushEvidence, ...]:
        """Every push of the digest."""
        return tuple(self._pushes[image.registry, image.digest].values())

    def scans(self, image: Image) -> tuple[ScanEvidence, ...]:
        """The last word of each scanner on the digest, and on manifests of that index."""
        return tuple(self._scans[image.registry, image.digest].values())

    def tag_now(self, image: Image) -> str | None:
        """The digest that the image's tag was last pushed with."""
        last = self._names.get((image.registry, image.repository, image.tag))
        return last.digest if last else None

    def verdicts(self, image: Image, policy: str) -> list[Verdict]:
        """How rollouts of this repository by the row of that name ended, of every image."""
        return self._verdicts[image.registry, image.repository, policy]

    def last_verdict(self, image: Image, policy: str) -> Verdict | None:
        """Of this digest."""
        return next((one for one in reversed(self.verdicts(image, policy)) if one.digest == image.digest), None)

    def promoted(self, image: Image, policy: str) -> Verdict | None:
        """The last promotion by the row of that name, of whatever image."""
        ended = self.verdicts(image, policy)
        return next((one for one in reversed(ended) if one.outcome is Phase.PROMOTED), None)
