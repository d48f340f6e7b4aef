"""From logged scores and verdicts to a calibration, and to heads."""
