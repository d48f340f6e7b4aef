from handrail.pipeline.hearing import Declared, hear_conversation, tools_in, topics_of
from handrail.records import Finding, Message, SignalKind, Speaker, ToolCall
from handrail.signals.language import UNKNOWN
from handrail.signals.listening import DEFAULT


def user(text: str) -> Message:
    return Message(speaker=Speaker.USER, text=text)


def finding(category: str, scanner: str = "handrail") -> Finding:
    return Finding(type=category, category=category, start=0, end=1, scanner=scanner)


def declared(tool: str = "", **facts: object) -> Declared:
    by_topic = {
        "health": {"tools": ("get_patient",), "intents": ("book_nurse",), "records": ("patient",)},
        "legal": {"tools": (), "intents": ("contract",), "records": ()},
    }
    return Declared(by_topic=by_topic, tools=frozenset({tool}), facts=facts)


def test_what_is_declared_comes_before_findings_and_findings_before_the_text() -> None:
    found = [finding("financial"), finding("personnel", scanner="heads")]
    assert topics_of(declared("get_patient"), found) == {"health"}
    assert topics_of(declared(intent="contract"), found) == {"legal"}
    assert topics_of(declared(record_type="patient"), found) == {"health"}
    assert topics_of(declared(), found) == {"financial"}
    assert topics_of(declared(), found[1:]) == {"personnel"}
    assert topics_of(declared(), []) == set()


def test_the_tools_of_an_exchange_are_those_called_before_and_now() -> None:
    past = Message(speaker=Speaker.ASSISTANT, tool_calls=(ToolCall(id="1", name="a", arguments="{}"),))
    assert tools_in([past], ToolCall(id="2", name="b", arguments="{}")) == {"a", "b"}


def test_a_topic_of_the_text_is_a_finding_of_the_heads() -> None:
    heard = hear_conversation([user("I was diagnosed with asthma, can I take ibuprofen?")], DEFAULT)
    assert {(one.type, one.scanner) for one in heard.topics} == {("health", "heads")}


def test_an_older_message_is_heard_again_only_for_topics_that_are_withheld() -> None:
    messages = [
        user("I have asthma and a fever"),
        Message(speaker=Speaker.ASSISTANT, text="Oh."),
        user("thanks"),
    ]
    assert hear_conversation(messages, DEFAULT).topics == ()
    kept = hear_conversation(messages, DEFAULT, frozenset({"health"})).topics
    assert [one.place.index for one in kept if one.place is not None] == [0]


def test_a_language_that_nobody_trained_is_unknown() -> None:
    assert hear_conversation([user("我想和人说话")], DEFAULT).language == UNKNOWN
    assert hear_conversation([user("where is my order?")], DEFAULT).language == "en"


def test_signals_are_those_of_the_new_messages() -> None:
    messages = [user("let me talk to a person"), Message(speaker=Speaker.ASSISTANT, text="Sure."), user("ok")]
    assert hear_conversation(messages, DEFAULT).signals == ()
    assert [one.kind for one in hear_conversation(messages[:1], DEFAULT).signals] == [
        SignalKind.ASKS_FOR_HUMAN
    ]
