"""Who belongs together: ``discover`` seeks segments, ``scan`` is the fast path, ``assign`` labels everybody.

scikit-learn, scipy, umap and pandas are imported when a function needs them, so that importing this stays light.
"""

from personas.segmentation.assign import assign
from personas.segmentation.discover import discover
from personas.segmentation.scan import scan
from personas.segmentation.within import discover_within

__all__ = ["assign", "discover", "discover_within", "scan"]
