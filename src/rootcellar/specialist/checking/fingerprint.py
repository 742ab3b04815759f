"""The fingerprint: what a finding is recognised by after lines have moved."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

from rootcellar.specialist.profile import Place
from rootcellar.specialist.rules.finding import Finding

_LENGTH = 20


def fingerprints(findings: Iterable[Finding], skeleton: Callable[[Place], str]) -> dict[Finding, str]:
    """Return the findings' fingerprints, of rule, path, what the line looks like and how many are alike before it.

    ``skeleton`` gives a line without texts and numbers: a fingerprint can be published, and nobody can try passwords on
    it.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = {}
    for finding in findings:
        alike = (finding.rule, finding.place.path, skeleton(finding.place))
        text = "\0".join((*alike, str(seen[alike])))
        found[finding] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]
        seen[alike] += 1
    return found
