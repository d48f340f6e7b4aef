"""A function that asks a model: sure answers pass, unsure ones and requests for a person go to people."""

import math

from handrail import Answer, Guard
from handrail.records import TokenLogprob

guard = Guard.from_policy("support", store="sqlite:///handrail.db")


@guard(input="question", on_handoff=lambda handoff: f"({handoff.role} will answer)")
def ask(question: str) -> object:
    """Stands for your model: return its text, with its log-probabilities where the provider gives them."""
    text, sure = ("Yes, everywhere.", 0.5) if "Peru" in question else ("We are open from 9 to 17.", 0.999)
    return Answer(text=text, logprobs=(TokenLogprob(token=text, data=text.encode(), logprob=math.log(sure)),))


for number, question in enumerate(
    ("When are you open?", "Does the Z-9 work with 60 Hz in Peru?", "Let me talk to a person.")
):
    with guard.context(customer="ana", conversation=f"decorator-{number}"):
        answer = ask(question)
        print(answer.text if isinstance(answer, Answer) else answer)

guard.close()
