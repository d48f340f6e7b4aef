import pytest

from handrail.signals.read import agrees


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
