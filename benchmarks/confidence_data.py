"""Recorded scores of real models, read from the evaluation data."""

import csv
import gzip
from dataclasses import dataclass

import numpy as np
from benchmarks.report import data

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.combining import Signal

LETTERS = ("gpt-4-turbo", "gpt-3.5-turbo", "Llama3-70b", "Mixtral")
ESSAYS = (
    "Meta-Llama-3.1-70B-Instruct-Turbo",
    "Qwen3-8B",
    "claude-3-7-sonnet-20250219",
    "gemini-2.0-flash",
    "gpt-4.1-mini",
    "gpt-4o-mini-2024-07-18",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Label scores of one model on MMLU and whether each answer was right."""

    name: str
    scores: Floats
    is_right: Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signalled:
    """Several signals of one model on MMLU-Pro and whether each answer was right."""

    name: str
    signals: tuple[Signal, ...]
    is_right: Flags


def letters(name: str) -> Scored:
    """MMLU, first prompt, normalised probability of the chosen letter."""
    with gzip.open(data("confidence", "bplaut_msp", f"{name}.csv.gz"), "rt") as file:
        wanted = {"dataset": "mmlu", "abst": "no_abst", "logits": "norm", "prompt": "first"}
        rows = [
            (float(row["score"]), row["grade"] == "Correct")
            for row in csv.DictReader(file)
            if all(row[key] == value for key, value in wanted.items())
            and row["grade"] in ("Correct", "Wrong")
        ]
    return Scored(name=name, scores=np.array([s for s, _ in rows]), is_right=np.array([r for _, r in rows]))


def essays(name: str) -> Signalled:
    """MMLU-Pro with chain of thought: the model's own number, perplexity, a judge's reading, length."""
    with gzip.open(data("confidence", "mmlu_pro", f"{name}.csv.gz"), "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["extracted_answer"] not in ("", "None", "nan")]

    def column(key: str) -> Floats:
        return np.array([float(row[key]) if row[key] not in ("", "None", "nan") else np.nan for row in rows])

    signals = (
        Signal(name="self_reported", kind="stated", values=column("verbal_numerical_confidence")),
        Signal(name="perplexity", kind="logprob", values=column("logit_perplexity_confidence")),
        Signal(name="judged", kind="stated", values=column("verbal_linguistic_confidence")),
        Signal(name="brevity", kind="length", values=column("token_length")),
    )
    right = np.array([row["extracted_answer"] == row["correct_answer"] for row in rows])
    varying = (s for s in signals if np.unique(s.values[~np.isnan(s.values)]).size > 1)
    return Signalled(name=name, signals=tuple(varying), is_right=right)
