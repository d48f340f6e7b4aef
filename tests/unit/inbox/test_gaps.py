"""What is not known about a ticket, as its page tells it."""

from handrail.inbox.gaps import lacking
from handrail.inbox.words import words


def test_what_a_measure_lacked_is_told_in_words_and_an_unknown_name_as_it_is() -> None:
    told = lacking(("logprobs of the tool call", "self_reported", "agreement (over budget)"), words("en"))
    assert told == (
        "the model’s own probabilities for this call, an estimate by the model, agreement (over budget)"
    )
    assert lacking((), words("en")) == ""
