"""A function that acts: refunds run until their sum asks for a person, however small each of them is."""

from handrail import Guard, HandoffRequired

guard = Guard.from_policy("support", store="sqlite:///handrail.db")


@guard.tool
def issue_refund(order_id: str, amount: float, currency: str = "USD") -> str:
    return f"refunded {amount} {currency}"


for number in range(1, 8):
    with guard.context(customer="cleo", conversation=f"tool-gate-{number}"):
        try:
            print(number, issue_refund("1160", 92))
        except HandoffRequired as stopped:
            print(number, f"waits for {stopped.handoff.role}")

guard.close()
