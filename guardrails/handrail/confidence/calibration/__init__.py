"""From scores to probabilities and thresholds that keep a promise: the artefact, its use, its samples."""
