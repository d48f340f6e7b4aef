from handrail.confidence.capabilities import Capabilities, Support, blames_logprobs
from handrail.records import Draft, FaultKind, TokenLogprob

WITH = Draft(text="a", logprobs=(TokenLogprob(token="a", logprob=-0.1, data=b"a"),))


def test_a_model_is_asked_until_it_is_known_to_give_nothing() -> None:
    fresh = Capabilities()
    assert fresh.should_ask("m", "e")
    assert fresh.saw("m", "e", WITH).should_ask("m", "e")
    for empty in (Draft(text="a"), Draft(text="a", logprobs=())):
        learned = fresh.saw("m", "e", empty)
        assert learned.of("m", "e") is Support.IGNORES
        assert not learned.should_ask("m", "e")
    assert not fresh.refused("m", "e").should_ask("m", "e")


def test_what_is_learned_of_one_endpoint_says_nothing_of_another() -> None:
    learned = Capabilities().refused("m", "here")
    assert learned.should_ask("m", "there")
    assert learned.should_ask("n", "here")


def test_faults_and_answers_without_text_teach_nothing() -> None:
    fresh = Capabilities()
    assert fresh.saw("m", "e", Draft(text="x", fault=FaultKind.TRUNCATED)) is fresh
    assert fresh.saw("m", "e", Draft()) is fresh


def test_one_answer_without_them_does_not_undo_what_was_seen() -> None:
    learned = Capabilities().saw("m", "e", WITH)
    assert learned.saw("m", "e", Draft(text="a")) is learned


def test_only_a_client_error_that_names_logprobs_is_blamed_on_them() -> None:
    assert blames_logprobs(400, "'logprobs' is not supported with this model")
    assert not blames_logprobs(500, "logprobs")
    assert not blames_logprobs(400, "bad temperature")
