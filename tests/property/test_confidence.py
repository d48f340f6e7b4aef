import itertools
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from handrail.confidence import agreement, score
from handrail.confidence.calibration.combine import Combiner, Term
from handrail.confidence.calibration.drift import Drift, watch
from handrail.confidence.cascade import both
from handrail.confidence.scorers import verbalised
from handrail.confidence.scorers.grounding import Sources, claims, lowered
from handrail.confidence.scorers.logprobs import log_sum, logit, sigmoid
from handrail.confidence.scorers.structured import layout
from handrail.records import Confidence, Draft, TokenLogprob, ToolCall

LOGPROBS = st.floats(max_value=0.0, min_value=-60.0)
CHANCES = st.floats(min_value=0.0, max_value=1.0)
TEXTS = st.text(min_size=1, max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def spoken(draw: st.DrawFn, text: st.SearchStrategy[str] = TEXTS) -> Draft:
    """A draft whose tokens cut its bytes at any place, inside characters too."""
    whole = draw(text)
    data = whole.encode("utf-8", "surrogatepass")
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=8)) | {0, len(data)})
    pieces = [data[left:right] for left, right in itertools.pairwise(cuts)]
    return Draft(
        text=whole,
        logprobs=tuple(
            TokenLogprob(token=piece.decode("utf-8", "replace"), logprob=draw(LOGPROBS), data=piece)
            for piece in pieces
        ),
    )


def raised(draft: Draft, at: int, by: float) -> Draft:
    tokens = list(draft.logprobs or ())
    at %= len(tokens)
    tokens[at] = replace(tokens[at], logprob=min(tokens[at].logprob + by, 0.0))
    return replace(draft, logprobs=tuple(tokens))


def value(confidence: Confidence) -> float:
    assert confidence.value is not None
    assert 0.0 <= confidence.value <= 1.0
    return confidence.value


@given(spoken(), st.integers(0, 20), st.floats(0, 60), st.sampled_from(["sequence", "min_token"]))
def test_raising_a_tokens_logprob_never_lowers_confidence(
    draft: Draft, at: int, by: float, method: str
) -> None:
    if not draft.text.strip():
        return
    lower = score(draft, method=method)  # type: ignore[arg-type]
    higher = score(raised(draft, at, by), method=method)  # type: ignore[arg-type]
    assert value(higher) >= value(lower)


@given(
    spoken(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=3).map(json.dumps)),
    st.integers(0, 20),
    st.floats(0, 60),
)
def test_raising_a_tokens_logprob_never_lowers_a_fields_confidence(draft: Draft, at: int, by: float) -> None:
    lower, higher = score(draft), score(raised(draft, at, by))
    assert value(higher) >= value(lower)


@given(spoken(st.just('{"amount": 12, "to": "zoë"}')), st.integers(0, 20), st.floats(0, 60))
def test_raising_a_tokens_logprob_never_lowers_a_tool_calls_confidence(
    draft: Draft, at: int, by: float
) -> None:
    call = ToolCall(id="1", name="f", arguments=draft.text)
    calling = replace(draft, text="", tool_calls=(call,))
    assert value(score(raised(calling, at, by))) >= value(score(calling))


@given(st.lists(LOGPROBS, min_size=2, max_size=6), st.floats(0, 60))
def test_raising_a_variant_of_the_label_never_lowers_its_confidence(logprobs: list[float], by: float) -> None:
    names = [" yes", "Yes", "YES", "y", "no", "n"][: len(logprobs)]

    def asked(first: float) -> Confidence:
        top = ((" yes", first), *zip(names[1:], logprobs[1:], strict=True))
        token = TokenLogprob(token="yes", logprob=-1.0, data=b"yes", top=top)
        return score(Draft(text="yes", logprobs=(token,)), labels=("yes", "no"))

    assert value(asked(min(logprobs[0] + by, 0.0))) >= value(asked(logprobs[0]))


@given(spoken(), st.text(min_size=1, max_size=40))
def test_what_the_words_say_changes_no_logprob_score(draft: Draft, claim: str) -> None:
    said = claim.strip() or "I am 100 % sure"
    one = TokenLogprob(token=said, logprob=-0.4, data=said.encode("utf-8", "surrogatepass"))
    other = TokenLogprob(token="no", logprob=-0.4, data=b"no")
    assert score(Draft(text=said, logprobs=(one,)), method="sequence") == score(
        Draft(text="no", logprobs=(other,)), method="sequence"
    )


@given(st.text(), st.integers(0, 100))
def test_the_self_check_gives_back_the_whole_answer(text: str, number: int) -> None:
    marked = f"{text}\n<{verbalised.KEY}>{number}</{verbalised.KEY}>"
    assert verbalised.strip(marked) == (text.rstrip(), number / 100)


@given(st.text())
def test_without_the_marker_nothing_is_taken_out(text: str) -> None:
    assert verbalised.strip(text) == (text, None)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.integers(0, 100), st.integers(0, 4), st.booleans())
def test_the_self_check_leaves_every_other_field_of_json_alone(
    answer: dict[str, object], number: int, place: int, spaced: bool
) -> None:
    items = list(answer.items())
    items.insert(place, (verbalised.KEY, number))
    raw = json.dumps(dict(items), indent=2 if spaced else None)
    text, stated = verbalised.strip(raw)
    assert json.loads(text) == answer
    assert stated == number / 100


@given(JSON.filter(lambda value: isinstance(value, dict | list)))
def test_every_leaf_of_json_is_found_at_its_place(document: object) -> None:
    text = json.dumps(document, ensure_ascii=False)
    found = layout(text)
    assert found is not None
    for leaf in found.leaves:
        quoted = isinstance(leaf.value, str)
        raw = text[leaf.start - quoted : leaf.end + quoted]
        assert json.loads(raw) == leaf.value


@given(st.text())
def test_any_text_can_be_read_for_json_and_for_claims(text: str) -> None:
    layout(text)
    assert all(0 <= claim.start < claim.end <= len(text) for claim in claims(text))


@given(CHANCES, CHANCES)
def test_log_odds_and_back_keep_order(left: float, right: float) -> None:
    low, high = sorted((left, right))
    assert logit(low) <= logit(high)
    assert sigmoid(logit(low)) <= sigmoid(logit(high))


@given(st.lists(LOGPROBS, max_size=6), LOGPROBS)
def test_a_sum_of_probabilities_grows_with_every_term(logprobs: list[float], more: float) -> None:
    assert log_sum([*logprobs, more]) >= log_sum(logprobs) - 1e-12


@given(CHANCES, CHANCES)
def test_a_risky_second_look_never_raises_confidence(first: float, second: float) -> None:
    if second <= 0.5:
        assert 0 <= both(first, second) <= first
    else:
        assert first <= both(first, second) <= 1


@given(CHANCES, CHANCES, CHANCES)
def test_a_surer_second_look_never_lowers_confidence(first: float, left: float, right: float) -> None:
    low, high = sorted((left, right))
    assert both(first, low) <= both(first, high)


@given(CHANCES, CHANCES, CHANCES)
def test_a_surer_signal_never_lowers_a_combined_confidence(other: float, left: float, right: float) -> None:
    combiner = Combiner(
        terms=(
            Term(name="label", kind="logprob", mean=1.0, sd=2.0, weight=1.2),
            Term(name="self_reported", kind="stated", mean=0.5, sd=1.5, weight=0.4),
        ),
        intercept=0.2,
    )
    low, high = (combiner.combine({"label": other, "self_reported": p}) for p in sorted((left, right)))
    assert low is not None
    assert high is not None
    assert low <= high


@given(st.lists(st.sampled_from(["yes", "no", "maybe", ""]), min_size=1, max_size=6))
def test_one_more_sample_that_disagrees_never_raises_agreement(texts: list[str]) -> None:
    samples = [Draft(text=text) for text in texts]
    before, after = (agreement(Draft(text="yes"), seen) for seen in (samples, [*samples, Draft(text="no")]))
    assert before is not None
    assert after is not None
    assert after <= before


@given(CHANCES, st.lists(st.sampled_from(["$100", "$200", "HAT271", "2024-05-20", "hello"]), max_size=6))
def test_what_nothing_supports_never_raises_confidence(chance: float, words: list[str]) -> None:
    grounded = Sources(["100 and HAT271"]).ground(", ".join(words))
    assert value(lowered(Confidence(value=chance, method="label"), grounded)) <= chance


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=60))
def test_one_more_error_never_calms_the_alarm(history: list[tuple[bool, bool, bool]]) -> None:
    def end(with_error: bool) -> tuple[float, ...]:
        state = Drift(alpha=0.1)
        for at, (is_passed, is_sampled, is_wrong) in enumerate(history):
            wrong = is_wrong or (with_error and at == 0)
            state = watch(state, is_passed=is_passed, probability=0.5, is_sampled=is_sampled, is_wrong=wrong)
        return state.logs

    assert all(worse >= better for worse, better in zip(end(True), end(False), strict=True))
