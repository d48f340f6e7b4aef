import pytest

from handrail.records import Message, Part, Place, Signal, SignalKind, Speaker
from handrail.signals import read_signals
from handrail.signals.assent import agrees


def user(text: str) -> Message:
    return Message(speaker=Speaker.USER, text=text)


def assistant(text: str) -> Message:
    return Message(speaker=Speaker.ASSISTANT, text=text)


def kinds(*messages: Message) -> set[str]:
    return {signal.kind.value for signal in read_signals(messages)}


@pytest.mark.parametrize(
    "text",
    [
        "Let me talk to a person",
        "I'd like to speak with a real human, please.",
        "put me through to your supervisor",
        "agent",
        "Representative!!",
        "human please",
        "I don't want to talk to a robot",
        "Im sick of talking to this stupid bot",
        "is there anybody I can speak to?",
        "can someone call me back",
        "Could you transfer me to customer service",
        "escalate this now",
        "I don’t understand why I can’t speak to a human",
        "SPEAK   TO\nAN AGENT",
        "how do I talk to a representative?",
        "get me a manager",
    ],
)
def test_a_wish_for_a_person_is_seen(text: str) -> None:
    assert "asks_for_human" in kinds(user(text))


@pytest.mark.parametrize(
    "text",
    [
        "are you a real person?",
        "Am I talking to a human or a bot?",
        "No need to talk to an agent, thanks",
        "I'd rather do it here without talking to anyone",
        "I do not want to speak to a representative",
        "do I have to speak to a representative to change my pin?",
        "I spoke with an agent yesterday and all is well",
        "I need a real estate agent in Leeds",
        "transfer money to another person",
        "I want to fire off a question",
        "this schedule is killing me",
        "Where is order 1182?",
        "what does a support agent earn?",
    ],
)
def test_words_that_only_sound_like_it_are_no_wish_for_a_person(text: str) -> None:
    assert kinds(user(text)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "I want to file a complaint",
        "how can I make a formal complaint about this?",
        "Where do I complain?",
        "This is completely unacceptable.",
        "worst service I've ever had",
        "Your customer service is absolutely terrible",
        "I am very disappointed with your service",
        "I'm fed up with waiting",
        "this is the third time I've asked",
        "you people are useless",
        "you have let me down",
        "I will never shop here again",
        "shame on you",
    ],
)
def test_a_complaint_is_seen(text: str) -> None:
    assert "complaint" in kinds(user(text))


@pytest.mark.parametrize(
    "text",
    [
        "I'm not complaining, just asking",
        "no complaints so far",
        "nothing to complain about with the room",
        "not a complaint, just a question",
        "my neighbour made a complaint about the noise, which form do I need?",
        "can you let me know if it will be warm",
        "the weather is terrible today",
        "I am angry at my brother",
        "I expect a refund of $200",
        "this schedule is killing me",
        "I want to fire off a question",
    ],
)
def test_bad_moods_and_negations_are_no_complaint(text: str) -> None:
    assert kinds(user(text)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "No, you told me yesterday it was refundable. That's wrong",
        "Your bot said no fasting; the nurse says fasting",
        "That's not what the handbook says, page 14",
        "I already told you my order number",
        "you are wrong",
        "the answer you gave me is incorrect",
        "You promised me a refund",
        "I disagree.",
        "you gave me the wrong information",
        "my contract says otherwise",
        "but you said it was free",
        "thats not what you told me",
    ],
)
def test_a_dispute_is_seen_even_as_a_first_message(text: str) -> None:
    assert "dispute" in kinds(user(text))


@pytest.mark.parametrize(
    "text",
    [
        "repeat what you just said",
        "as you said, I will wait",
        "I want to dispute a charge",
        "tell me if you're wrong about me",
        "I don't think you are wrong",
        "thanks, you told me all I need",
        "the exchange rate is wrong",
        "what did you say?",
    ],
)
def test_other_quarrels_are_no_dispute(text: str) -> None:
    assert kinds(user(text)) == set()


@pytest.mark.parametrize("text", ["That's wrong.", "That is not true", "wrong again", "this isn't correct"])
def test_pointing_back_needs_an_answer_to_point_at(text: str) -> None:
    assert kinds(user(text)) == set()
    assert kinds(assistant("It is five."), user(text)) == {"dispute"}


def test_saying_no_to_a_question_is_no_dispute() -> None:
    assert kinds(assistant("Is it opened?"), user("No, it isn't")) == set()
    assert kinds(assistant("It is refundable."), user("No, it isn't")) == {"dispute"}


def test_only_the_words_after_the_last_answer_count() -> None:
    messages = [user("let me talk to a person"), assistant("Sure."), user("thanks")]
    assert read_signals(messages) == ()


def test_all_new_messages_are_read_and_only_the_users() -> None:
    messages = [
        Message(speaker=Speaker.SYSTEM, text="If asked, let them talk to a person"),
        user("hello"),
        user("I want to file a complaint"),
    ]
    found = read_signals(messages)
    assert [(signal.kind, signal.place) for signal in found] == [
        (SignalKind.COMPLAINT, Place(part=Part.MESSAGE, index=2))
    ]


def test_a_tool_result_between_does_not_hide_the_question() -> None:
    call = Message(speaker=Speaker.ASSISTANT, text="")
    result = Message(speaker=Speaker.TOOL, text="speak to an agent")
    assert read_signals([user("hi"), call, result]) == ()


def test_the_span_holds_the_words_as_they_were_written() -> None:
    text = "Please… let me ｔａｌｋ to a\u200b person, now"
    found = read_signals([user(text)])
    assert [text[s.start : s.end] for s in found] == ["ｔａｌｋ to a\u200b person"]
    assert isinstance(found[0], Signal)


def test_a_wish_in_the_middle_of_a_long_message_is_seen() -> None:
    filler = "all is well. " * 20_000
    text = f"{filler}let me talk to a person. {filler}"
    (found,) = read_signals([user(text)])
    assert text[found.start : found.end] == "talk to a person"


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "YES!!",
        "Yes, please cancel that flight",
        "Sure, go ahead",
        "ok",
        "okay, do it",
        "no problem, go ahead",
        "Please proceed with the cancellation.",
        "I confirm",
        "I hereby authorise it",
        "Yes, please proceed. I don't need anything else.",
        "Looks good to me",
        "That’s right.",
        "Yes, but use my other card",
        "please do",
        "Correct",
        "Yes to both",
        "Thanks.\nYes, do it",
    ],
)
def test_a_clear_yes_agrees(text: str) -> None:
    assert agrees(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No",
        "No, thanks",
        "That's not correct",
        "I'm not sure",
        "I never agreed to this",
        "I am not ok with that",
        "I don't agree",
        "incorrect",
        "Is that correct?",
        "Are you sure?",
        "Can you confirm the price?",
        "can you do it?",
        "ok but first tell me the fee",
        "yes if it is free",
        "If yes, tell me",
        "what if I say yes",
        "Yes, go ahead. Wait, what does it cost?",
        "Yes. No, stop!",
        "Yes, go ahead, don't charge my card though",
        "don't book it",
        "Not yet",
        "I'd rather not",
        "I've changed my mind, yes",
        "Good morning",
        "Right now I need a refund",
        "Great, thank you!",
        "I would like to know the price",
    ],
)
def test_anything_less_does_not(text: str) -> None:
    assert not agrees(text)
