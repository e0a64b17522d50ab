"""What a notebook's outputs carry for programs: the names under which it is stored there."""

from typing import Final

FINDINGS: Final = "application/vnd.cxresearch.findings+json"
"""What ``cx.findings`` leaves: claims with their verdicts, the kind of evidence, the numbers."""

INPUT: Final = "application/vnd.cxresearch.input+json"
"""What ``cx.read`` leaves: name or path, hash, rows and columns of a table that was read."""
