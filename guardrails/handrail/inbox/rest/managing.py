"""Operations of the API that are of no single ticket: batches, queues, holds and tokens."""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from handrail.inbox.replays import Again
from handrail.inbox.rest import sent, tables
from handrail.inbox.rest.table import ApiOperation, Call
from handrail.review.page.report import as_data
from handrail.service import ListQuery, Operation
from handrail.service.batch import Seen


def _next(call: Call) -> tables.NextAnswer:
    found = call.inbox.service.claim_next(call.who, ListQuery(roles=call.said.role))
    return tables.NextAnswer.of(found)


def _batch(call: Call) -> tables.BatchAnswer:
    seen = [Seen(**one.model_dump()) for one in call.said.tickets]
    done = call.inbox.service.batch_decide(call.who, seen, call.said.proposal())
    return tables.BatchAnswer(tickets=done)


def _pause(call: Call) -> tables.Holds:
    call.inbox.service.pause(call.who, call.said.role, why=call.said.why)
    return tables.Holds(holds=call.inbox.service.pauses(call.who))


def _resume(call: Call) -> tables.Holds:
    call.inbox.service.resume(call.who, call.said.role, why=call.said.why)
    return tables.Holds(holds=call.inbox.service.pauses(call.who))


def _token(call: Call) -> tables.NewTokenAnswer:
    made = call.inbox.service.make_token(
        call.who, call.said.name, call.said.scopes, valid_for=timedelta(days=call.said.days)
    )
    return tables.NewTokenAnswer(text=made.text, token=made.record)


def _revoke(call: Call) -> tables.Tokens:
    call.inbox.service.revoke_token(call.who, call.said.id)
    return tables.Tokens(tokens=call.inbox.service.tokens(call.who))


def _review(call: Call) -> tables.ReviewAnswer:
    service = call.inbox.service
    found = service.review(call.who, call.said.week or service.latest_week())
    made = found.review
    data = json.dumps(as_data(made.report, made.figures, made.patches))
    # What is no number in JSON is nothing known.
    return tables.ReviewAnswer(week=found.week, review=json.loads(data, parse_constant=lambda _: None))


def _proposals(call: Call) -> tables.ProposalsAnswer:
    service = call.inbox.service
    found = service.review(call.who, call.said.week or service.latest_week())
    return tables.ProposalsAnswer(
        week=found.week,
        is_elsewhere=found.is_elsewhere,
        needs_two=service.policy_in_force().enforced_by is not None,
        proposals=tuple(
            tables.ProposalAnswer.of(one, service.accepted_by(call.who, one.id))
            for one in found.review.patches
        ),
    )


def _accept(call: Call) -> tables.AcceptedAnswer:
    said: sent.Acceptance = call.said
    done = call.inbox.service.accept_proposal(
        call.who, said.week, said.proposal, result=said.result, effective=said.effective
    )
    return tables.AcceptedAnswer.model_validate(done)


def _decline(call: Call) -> tables.DeclinedAnswer:
    call.inbox.service.decline_proposal(call.who, call.said.week, call.said.proposal)
    return tables.DeclinedAnswer(id=call.said.proposal)


_OF_A_PROPOSAL: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
MANAGING: Final = (
    ApiOperation(
        method="POST",
        path="/claim-next",
        name="claim_next",
        about="Claims the ticket that is due soonest among those that nobody has.",
        needs=Operation.LIST,
        takes=sent.NextTicket,
        answers=tables.NextAnswer,
        run=_next,
    ),
    ApiOperation(
        method="POST",
        path="/batch-preview",
        name="batch_preview",
        again=Again.RUN,
        about="Says what the same decision would come to for each of several tickets.",
        needs=Operation.LIST,
        takes=sent.BatchWish,
        answers=tables.BatchPreviewAnswer,
        run=lambda call: tables.BatchPreviewAnswer.model_validate(
            call.inbox.service.batch_preview(call.who, call.said.tickets, call.said.proposal())
        ),
    ),
    ApiOperation(
        method="POST",
        path="/batch",
        name="batch_decide",
        about="Records the same decision for each of several tickets as they were previewed.",
        needs=Operation.LIST,
        takes=sent.BatchDecision,
        answers=tables.BatchAnswer,
        run=_batch,
    ),
    ApiOperation(
        method="GET",
        path="/queues",
        name="queues",
        about="Says how each role's queue stands, for managers.",
        needs=Operation.QUEUES,
        answers=tables.Queues,
        run=lambda call: tables.Queues(queues=call.inbox.service.queues(call.who)),
    ),
    ApiOperation(
        method="GET",
        path="/review",
        name="review",
        about="Gives a week's review, for managers and those who own the policy.",
        needs=Operation.REVIEW,
        takes=sent.ReviewQuery,
        answers=tables.ReviewAnswer,
        run=_review,
    ),
    ApiOperation(
        method="GET",
        path="/review/proposals",
        name="proposals",
        about="Lists what a week's review proposes, each with its diff and who has accepted it so far.",
        needs=Operation.REVIEW,
        takes=sent.ReviewQuery,
        answers=tables.ProposalsAnswer,
        run=_proposals,
    ),
    ApiOperation(
        method="POST",
        path="/review/accept",
        name="accept_proposal",
        about="Accepts a proposed change of the policy as it was shown, for those who have just signed in.",
        needs=Operation.CHANGE_POLICY,
        takes=sent.Acceptance,
        answers=tables.AcceptedAnswer,
        run=_accept,
        more=_OF_A_PROPOSAL,
    ),
    ApiOperation(
        method="POST",
        path="/review/decline",
        name="decline_proposal",
        about="Declines a proposal, so that no later review shows it, for those who have just signed in.",
        needs=Operation.CHANGE_POLICY,
        takes=sent.ProposalName,
        answers=tables.DeclinedAnswer,
        run=_decline,
        more=_OF_A_PROPOSAL,
    ),
    ApiOperation(
        method="GET",
        path="/loads",
        name="loads",
        about="Says what each person has claimed and decided of late, for managers.",
        needs=Operation.QUEUES,
        answers=tables.Loads,
        run=lambda call: tables.Loads(
            loads=call.inbox.service.loads(call.who), attention=call.inbox.service.attention(call.who)
        ),
    ),
    ApiOperation(
        method="POST",
        path="/tickets/{ref}/seed",
        name="seed",
        about="Puts a decided ticket into its queue once more, to see how people decide; it has no effect.",
        needs=Operation.SEED,
        answers=tables.Placed,
        run=lambda call: tables.Placed(reference=call.inbox.service.seed(call.who, call.ref)),
    ),
    ApiOperation(
        method="GET",
        path="/policies",
        name="policies",
        about="Says which policy is in force, with its hash and what a check of it says; for managers.",
        needs=Operation.POLICIES,
        answers=tables.PoliciesAnswer,
        run=lambda call: tables.PoliciesAnswer(policies=call.inbox.service.policies(call.who)),
    ),
    ApiOperation(
        method="POST",
        path="/audit-check",
        name="audit_check",
        again=Again.RUN,
        about="Walks the audit log and compares it with the store; for managers.",
        needs=Operation.AUDIT,
        answers=tables.AuditAnswer,
        run=lambda call: tables.AuditAnswer.model_validate(call.inbox.service.audit_check(call.who)),
    ),
    ApiOperation(
        method="GET",
        path="/dead-letters",
        name="dead_letters",
        about="Lists the notices that were given up, oldest first; for managers.",
        needs=Operation.DELIVERIES,
        answers=tables.DeadLetters,
        run=lambda call: tables.DeadLetters.of(call.inbox.service.dead_letters(call.who)),
    ),
    ApiOperation(
        method="POST",
        path="/replay",
        name="replay",
        about="Sends notices again that were given up; for managers.",
        needs=Operation.DELIVERIES,
        takes=sent.Letters,
        answers=tables.Replayed,
        run=lambda call: tables.Replayed(count=call.inbox.service.replay(call.who, call.said.ids)),
    ),
    ApiOperation(
        method="GET",
        path="/holds",
        name="holds",
        about="Says what is on hold.",
        needs=Operation.LIST,
        answers=tables.Holds,
        run=lambda call: tables.Holds(holds=call.inbox.service.pauses(call.who)),
    ),
    ApiOperation(
        method="POST",
        path="/pause",
        name="pause",
        about="Puts a role on hold, or everything, at once; for managers.",
        needs=Operation.PAUSE,
        takes=sent.Hold,
        answers=tables.Holds,
        run=_pause,
    ),
    ApiOperation(
        method="POST",
        path="/resume",
        name="resume",
        about="Ends a hold; for managers.",
        needs=Operation.PAUSE,
        takes=sent.Hold,
        answers=tables.Holds,
        run=_resume,
    ),
    ApiOperation(
        method="GET",
        path="/tokens",
        name="tokens",
        about="Lists one's own API tokens, without their secrets.",
        needs=Operation.LIST,
        answers=tables.Tokens,
        run=lambda call: tables.Tokens(tokens=call.inbox.service.tokens(call.who)),
    ),
    ApiOperation(
        method="POST",
        path="/make-token",
        name="make_token",
        again=Again.REFUSED,
        about="Makes an API token that acts as oneself; its text is shown this once.",
        needs=Operation.TOKENS,
        takes=sent.TokenWish,
        answers=tables.NewTokenAnswer,
        run=_token,
    ),
    ApiOperation(
        method="POST",
        path="/revoke-token",
        name="revoke_token",
        about="Ends an API token of one's own.",
        needs=Operation.LIST,
        takes=sent.TokenName,
        answers=tables.Tokens,
        run=_revoke,
    ),
)
