"""Learning from verdicts: calibration, guarantees, drift and metrics. Needs numpy and scipy (extra `review`).

Nothing here is loaded to score one answer. Pure: data and random generators are passed in.
"""

from handrail.errors import MissingExtra

try:
    import numpy  # noqa: F401
    import scipy  # noqa: F401
except ImportError as error:
    raise MissingExtra("review", "numpy or scipy") from error
