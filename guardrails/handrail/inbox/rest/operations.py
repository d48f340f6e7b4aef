"""The table of the API: every operation with its path, what it takes, what it answers, and what it does."""

from collections.abc import Callable
from typing import Any, Final

from handrail.inbox.replays import Again
from handrail.inbox.rest import answered, sent
from handrail.inbox.rest.managing import MANAGING
from handrail.inbox.rest.table import ApiOperation, Call
from handrail.service import Operation, Receipt


def _step(
    name: str, about: str, needs: Operation, run: Callable[[Call], Receipt], **more: Any
) -> ApiOperation:
    return ApiOperation(
        method="POST",
        path=f"/tickets/{{ref}}/{name.replace('_', '-')}",
        name=name,
        about=about,
        needs=needs,
        answers=answered.ReceiptAnswer,
        run=lambda call: answered.ReceiptAnswer.of(run(call)),
        **more,
    )


def _decide(call: Call) -> Receipt:
    proposal = call.said.proposal(version=call.version, key=call.key)
    # What a program decides takes effect at once; what it decides was shown to it before.
    return call.inbox.service.decide(call.who, call.ref, proposal, must_be_previewed=True)


READING: Final = (
    ApiOperation(
        method="GET",
        path="/me",
        name="me",
        about="Says who asks, and what they may do from here.",
        needs=None,
        answers=answered.Me,
        run=lambda call: answered.Me.of(call.who, call.inbox.service.roles_of(call.who)),
    ),
    ApiOperation(
        method="GET",
        path="/tickets",
        name="list_tickets",
        about="Lists the tickets of one's roles, the open ones soonest due first.",
        needs=Operation.LIST,
        takes=sent.TicketsQuery,
        answers=answered.Tickets,
        run=lambda call: answered.Tickets.of(call.inbox.service.page(call.who, call.said.query())),
    ),
    ApiOperation(
        method="GET",
        path="/counts",
        name="count_tickets",
        about="Counts the tickets of each of one's roles by state, as far as they have not ended.",
        needs=Operation.LIST,
        answers=answered.Counts,
        run=lambda call: answered.Counts(roles=call.inbox.service.counts(call.who)),
    ),
    ApiOperation(
        method="GET",
        path="/tickets/{ref}",
        name="show_ticket",
        about="Shows one ticket, masked for one's roles; that somebody looked is recorded first.",
        needs=Operation.VIEW,
        answers=answered.TicketAnswer,
        run=lambda call: answered.TicketAnswer.of(call.inbox.service.screen(call.who, call.ref)),
        is_tagged=True,
    ),
)
STEPS: Final = (
    _step(
        "claim",
        "Claims a ticket, so that nobody else works on it.",
        Operation.CLAIM,
        lambda call: call.inbox.service.claim(call.who, call.ref),
    ),
    _step(
        "release",
        "Gives a claimed ticket back to its role.",
        Operation.RELEASE,
        lambda call: call.inbox.service.release(call.who, call.ref),
    ),
    _step(
        "take_over",
        "Claims a ticket and takes the conversation over.",
        Operation.TAKE_OVER,
        lambda call: call.inbox.service.take_over(call.who, call.ref),
    ),
    _step(
        "ask",
        "Asks the customer for what is missing; the clock pauses.",
        Operation.ASK,
        lambda call: call.inbox.service.ask(call.who, call.ref, call.said.question),
        takes=sent.Question,
    ),
    _step(
        "inform",
        "Adds what was asked for; the clock goes on.",
        Operation.INFORM,
        lambda call: call.inbox.service.inform(call.who, call.ref, call.said.answer),
        takes=sent.Information,
    ),
    _step(
        "reassign",
        "Gives a ticket to another role.",
        Operation.REASSIGN,
        lambda call: call.inbox.service.reassign(call.who, call.ref, call.said.role, why=call.said.why),
        takes=sent.Reassignment,
    ),
    _step(
        "link",
        "Ends a ticket as the duplicate of another one.",
        Operation.LINK,
        lambda call: call.inbox.service.link(call.who, call.ref, of=call.said.of),
        takes=sent.Duplicate,
    ),
    _step(
        "withdraw",
        "Ends a ticket because its customer takes back what they asked for.",
        Operation.WITHDRAW,
        lambda call: call.inbox.service.withdraw(call.who, call.ref, words=call.said.words),
        takes=sent.Withdrawal,
    ),
    _step(
        "reconcile",
        "Settles an action of unknown outcome.",
        Operation.RECONCILE,
        lambda call: call.inbox.service.reconcile(call.who, call.ref, call.said.outcome),
        takes=sent.Outcome,
    ),
    _step(
        "snooze",
        "Puts a ticket off; its deadline stays.",
        Operation.SNOOZE,
        lambda call: call.inbox.service.snooze(call.who, call.ref, call.said.until),
        takes=sent.Snooze,
    ),
    _step(
        "extend",
        "Gives a ticket more time, once.",
        Operation.EXTEND,
        lambda call: call.inbox.service.extend(call.who, call.ref, call.said.by, why=call.said.why),
        takes=sent.Extension,
    ),
    _step(
        "revise",
        "Sends a ticket back to the assistant with an instruction.",
        Operation.DECIDE,
        lambda call: call.inbox.service.revise(call.who, call.ref, call.said.instruction),
        takes=sent.Instruction,
    ),
    _step(
        "own_answer",
        "Keeps what one would answer, once, before the draft is shown; some roles ask for it.",
        Operation.OWN_ANSWER,
        lambda call: call.inbox.service.give_own_answer(call.who, call.ref, call.said.answer),
        takes=sent.Information,
    ),
    _step(
        "undo",
        "Takes a decision back before it takes effect.",
        Operation.UNDO,
        lambda call: call.inbox.service.undo(call.who, call.ref),
    ),
    _step(
        "decide",
        "Records a decision that was previewed; it takes effect at once.",
        Operation.DECIDE,
        _decide,
        takes=sent.Decision,
    ),
)
DECIDING: Final = (
    ApiOperation(
        method="POST",
        path="/tickets/{ref}/preview",
        name="preview",
        again=Again.RUN,
        about="Says what a decision would come to; nothing is recorded.",
        needs=Operation.DECIDE,
        takes=sent.Decision,
        answers=answered.PreviewAnswer,
        run=lambda call: answered.PreviewAnswer.of(
            call.inbox.service.preview(call.who, call.ref, call.said.proposal(version=call.version))
        ),
    ),
    ApiOperation(
        method="POST",
        path="/tickets/{ref}/unmask",
        name="unmask",
        again=Again.RUN,
        about="Shows unmasked texts, once who sees them and why is on record.",
        needs=Operation.UNMASK,
        takes=sent.Unmasking,
        answers=answered.Unmasked,
        run=lambda call: answered.Unmasked.of(
            call.inbox.service.unmask(call.who, call.ref, call.said.fields, reason=call.said.reason),
            call.said.fields,
        ),
    ),
)
OPERATIONS: Final[tuple[ApiOperation, ...]] = (*READING, *STEPS, *DECIDING, *MANAGING)
