import pytest

from handrail.errors import PolicyError
from handrail.guard.opening import listening_of
from handrail.policy import loads
from handrail.records import Message, SignalKind, Speaker
from handrail.signals import read_signals
from handrail.signals.listening import Listening, OwnWords
from handrail.signals.read import hear

POLICY = """
policy: own
version: "1"
if_unsure: reviewer
roles: {{reviewer: {{}}}}
signals:
{signals}
"""


def listening(signals: str) -> Listening:
    return listening_of(loads(POLICY.format(signals=signals)))


def names(text: str, listens: Listening) -> set[str]:
    return {heard.name for heard in hear(text, listening=listens)}


def test_a_policy_adds_words_to_a_signal_and_to_a_topic() -> None:
    own = listening("  asks_for_human: {words: [the wizard]}\n  health: {words: [spa cure]}")
    assert "asks_for_human" in names("bring in The  Wizard today", own)
    assert "health" in names("is the spa cure open", own)
    assert "asks_for_human" not in names("the wizardry of oz", own)


def test_own_words_count_fully_and_say_where_they_stand() -> None:
    own = Listening(own={"complaint": OwnWords(words=("blue form",))})
    (heard,) = [one for one in hear("send the blue form", listening=own) if one.name == "complaint"]
    assert (heard.score, heard.start, heard.end) == (1.0, 9, 18)


@pytest.mark.parametrize(
    ("word", "text", "other"),
    [
        ("жалоба", "это жалоба на вас", "это обжалобание"),
        ("ärger", "nur ärger damit", "Verärgerung"),
        ("ger", "to ger, please", "nur ärger"),
        ("kränkend", "das war kränkend!", "erkränkende"),
        ("شكوى", "هذه شكوى رسمية", "شكواهم"),
        ("शिकायत", "यह शिकायत है", "शिकायती"),
        ("투덜", "정말 투덜 거려요", "투덜이"),
        ("投诉", "我要投诉你们", "我要投你们诉"),
        ("ร้องเรียน", "ผมขอร้องเรียนครับ", "ผมขอร้อง"),
        ("!!!", "now!!!", "now!!"),
    ],
)
def test_own_words_are_whole_words_in_every_script(word: str, text: str, other: str) -> None:
    own = Listening(own={"health": OwnWords(words=(word, "none of it"))})
    (heard,) = [one for one in hear(text, listening=own) if one.name == "health"]
    assert text[heard.start : heard.end] == word
    assert "health" not in names(other, own)


def test_a_word_of_invisible_characters_only_is_never_heard() -> None:
    own = Listening(own={"health": OwnWords(words=("\u200b",))})
    assert "health" not in names("some text", own)


def test_a_level_of_one_hears_nothing_and_of_nought_everything() -> None:
    text = "let me talk to a person"
    assert "asks_for_human" in names(text, Listening())
    assert "asks_for_human" not in names(text, Listening(own={"asks_for_human": OwnWords(level=1.0)}))
    assert "emergency" in names(text, Listening(own={"emergency": OwnWords(level=0.0)}))


def test_a_name_that_is_no_signal_is_an_error() -> None:
    with pytest.raises(PolicyError, match="no signal or topic"):
        loads(POLICY.format(signals="  asks_for_humans: {words: [x]}"))


def test_only_a_topic_can_be_declared_by_a_tool() -> None:
    with pytest.raises(PolicyError, match="declares a topic"):
        loads(POLICY.format(signals="  complaint: {tools: [get_order]}"))


def test_a_signal_carries_its_score_and_the_words_that_made_it() -> None:
    text = "Good day. Please let me talk to a person."
    (found,) = read_signals([Message(speaker=Speaker.USER, text=text)])
    assert found.kind is SignalKind.ASKS_FOR_HUMAN
    assert 0.5 <= found.score <= 1
    assert [text[start:end] for start, end in found.words] == ["talk to a person"]


def test_a_dispute_says_which_answer_it_is_about() -> None:
    talk = [
        Message(speaker=Speaker.USER, text="Is the deposit refundable?"),
        Message(speaker=Speaker.ASSISTANT, text="The deposit is refundable within 14 days."),
        Message(speaker=Speaker.USER, text="And parking?"),
        Message(speaker=Speaker.ASSISTANT, text="Parking is free."),
        Message(speaker=Speaker.USER, text="No, you told me the deposit was refundable. That's wrong."),
    ]
    (found,) = [one for one in read_signals(talk) if one.kind is SignalKind.DISPUTE]
    assert found.about == 1


def test_whoever_writes_the_same_again_repeats_it_whatever_the_words() -> None:
    talk = [
        Message(speaker=Speaker.USER, text="blue lamp order 1182 still open"),
        Message(speaker=Speaker.ASSISTANT, text="Which order?"),
        Message(speaker=Speaker.USER, text="Blue lamp, order 1182, still open!"),
    ]
    assert SignalKind.REPEATS in {one.kind for one in read_signals(talk)}
