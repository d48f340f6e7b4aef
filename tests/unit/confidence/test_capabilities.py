from handrail.confidence.capabilities import ModelCapabilities, Support, blames_logprobs
from handrail.records import Draft, FaultKind, TokenLogprob

WITH = Draft(text="a", logprobs=(TokenLogprob(token="a", logprob=-0.1, data=b"a"),))


def after(*drafts: Draft) -> ModelCapabilities:
    known = ModelCapabilities()
    for draft in drafts:
        known.saw("m", "e", [draft])
    return known


def test_a_model_is_asked_until_it_is_known_to_give_nothing() -> None:
    assert ModelCapabilities().should_ask("m", "e")
    assert after(WITH).should_ask("m", "e")
    for empty in (Draft(text="a"), Draft(text="a", logprobs=())):
        assert after(empty).of("m", "e") is Support.IGNORES
        assert not after(empty).should_ask("m", "e")
    known = ModelCapabilities()
    known.refused("m", "e")
    assert not known.should_ask("m", "e")


def test_what_is_learned_of_one_endpoint_says_nothing_of_another() -> None:
    known = ModelCapabilities()
    known.refused("m", "here")
    assert known.should_ask("m", "there")
    assert known.should_ask("n", "here")


def test_faults_and_answers_without_text_teach_nothing() -> None:
    known = after(Draft(text="x", fault=FaultKind.TRUNCATED), Draft())
    assert known.of("m", "e") is Support.UNKNOWN


def test_a_model_without_a_name_teaches_nothing() -> None:
    known = ModelCapabilities()
    known.refused("", "e")
    assert known.should_ask("", "e")


def test_one_answer_without_them_does_not_undo_what_was_seen() -> None:
    assert after(WITH, Draft(text="a")).of("m", "e") is Support.GIVES


def test_only_a_client_error_that_names_logprobs_is_blamed_on_them() -> None:
    assert blames_logprobs(400, "'logprobs' is not supported with this model")
    assert not blames_logprobs(500, "logprobs")
    assert not blames_logprobs(400, "bad temperature")
