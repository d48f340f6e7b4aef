"""Every error handrail raises.

HandrailError
├ ConfigError           yours to mend, before any call
│ ├ PolicyError         file, line, column and what was expected
│ ├ RoleError           a role that nobody fills
│ ├ PolicyNotInForce    a policy that those who may have not put in force
│ └ MissingExtra        also an ImportError; names the install to run
├ CheckFailed           handrail could not judge: treat as unsafe
│ └ StoreUnavailable    the ticket store cannot be reached
├ RequestRefused        a request that no provider would take, or beyond the bounds
├ HandoffRequired       a person must decide; carries the Handoff
│ └ ResultHandedOff     the action was carried out, its result waits for a person
├ AnswerBlocked         the policy forbids it outright
│ └ ResultBlocked       the action was carried out, its result may not be shown
├ ErrorWithheld         stands for an error of a guarded function whose text is withheld
├ NotPermitted          a person may not do this from here; says what they lack
├ ActionFailed          yours to raise inside `authorised`: nothing was done
└ TicketError
  ├ TicketNotFound
  ├ AmbiguousReference  several tickets' references begin so
  ├ NotAllowed          not a member of the role, or excluded
  ├ NotDecided          nobody has decided yet
  │ └ NotInEffect       somebody has, and it can still be undone
  ├ OnHold              people have put its role, or everything, on hold
  ├ AlreadyDecided      the state has moved on
  ├ AlreadyUsed         the decision was given back once before
  ├ DecisionExpired
  ├ DigestMismatch      not the action that was approved
  └ PolicyChanged       today's policy asks for more than was approved

Messages hold ids, kinds and positions; never text that was scanned.
"""

from collections.abc import Sequence
from types import GetSetDescriptorType, MemberDescriptorType

from handrail.records import Decision, Handoff

MOST_SHOWN = 50
"""Most further problems of a file in one message."""


class HandrailError(Exception):
    """Root of every error handrail raises.

    Every one survives pickling, copying and a process pool, with its message and its fields.
    """

    def __reduce__(self) -> tuple[object, ...]:
        # An exception is rebuilt by calling its class with `args`, which are not what its own
        # `__init__` takes; so it is made without that, and its fields are put back.
        return _rebuilt, (type(self), self.args, _fields_of(self))


def _fields_of(error: HandrailError) -> dict[str, object]:
    """Return the fields of an error, those in slots and those of the built-in class that it also is."""
    fields: dict[str, object] = dict(error.__dict__)
    for base in type(error).__mro__:
        for name, place in vars(base).items():
            is_field = isinstance(place, MemberDescriptorType | GetSetDescriptorType)
            if is_field and not name.startswith("__") and base is not BaseException:
                value = getattr(error, name, None)
                if value is not None:
                    fields[name] = value
    return fields


def _rebuilt(kind: type[HandrailError], args: tuple[object, ...], fields: dict[str, object]) -> HandrailError:
    error = kind.__new__(kind, *args)
    super(HandrailError, error).__init__(*args)
    for name, value in fields.items():
        setattr(error, name, value)
    return error


class ConfigError(HandrailError):
    """Something in the set-up is wrong; raised before any call is made."""


class PolicyError(ConfigError):
    """A policy cannot be used: `file`, `line` and `column` say where, from 1; line 0 is no place in it.

    `others` are further problems of the same file, which its message lists too.
    """

    def __init__(self, problem: str, *, file: str = "<policy>", line: int = 1, column: int = 1) -> None:
        place = f"{file}:{line}:{column}" if line else file
        super().__init__(f"{place}: {problem}")
        self.problem, self.file, self.line, self.column = problem, file, line, column
        self.others: tuple[PolicyError, ...] = ()

    def beside(self, others: "Sequence[PolicyError]") -> "PolicyError":
        """Return this error with further problems of the same file."""
        found = PolicyError(self.problem, file=self.file, line=self.line, column=self.column)
        shown = [str(other) for other in others[:MOST_SHOWN]]
        if len(others) > MOST_SHOWN:
            shown.append(f"{self.file}: {len(others) - MOST_SHOWN} more problems")
        found.args = ("\n".join([str(self), *shown]),)
        found.others = tuple(others)
        return found


class RoleError(ConfigError):
    """A role in a policy has nobody behind it, or a people file names a role no policy knows."""


class PolicyNotInForce(ConfigError):
    """A version of a policy was not put in force, or not by who may; `name` is the policy's."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"policy {name}: {problem}")
        self.name, self.problem = name, problem


class MissingExtra(ConfigError, ImportError):
    """An optional package is not installed."""

    def __init__(self, extra: str, package: str, *, setting: str = "") -> None:
        what = f"{setting} needs the package {package}" if setting else f"{package} is not installed"
        super().__init__(f"{what}; run: pip install 'handrail[{extra}]'")
        self.extra, self.package = extra, package


class CheckFailed(HandrailError):
    """A check could not be carried out, so nothing was judged and nothing is released."""

    def __init__(self, step: str, *, exchange: str = "", why: str = "") -> None:
        of_exchange = f" (exchange {exchange})" if exchange else ""
        super().__init__(f"check failed at {step}" + (f": {why}" if why else "") + of_exchange)
        self.step, self.exchange, self.why = step, exchange, why


class StoreUnavailable(CheckFailed):
    """The ticket store cannot be reached, or refuses to write."""


class RequestRefused(HandrailError):
    """A request is malformed or goes beyond the bounds, so nothing was sent.

    `status` is that of an HTTP answer, `code` names the problem and `param` the field, empty for the whole.
    """

    def __init__(self, why: str, *, code: str, status: int = 400, param: str = "") -> None:
        super().__init__(why)
        self.code, self.status, self.param = code, status, param


class HandoffRequired(HandrailError):
    """A person must decide; `handoff` says which role and which ticket.

    Raised only where the guarded function's type leaves no room for a hand-off. Do not retry: see
    `handrail.is_final`.
    """

    def __init__(self, handoff: Handoff) -> None:
        super().__init__(f"handed off to {handoff.role} (ticket {handoff.ticket})")
        self.handoff = handoff


class ResultHandedOff(HandoffRequired):
    """The action was carried out; a person must decide on what it returned before anybody sees it."""


class AnswerBlocked(HandrailError):
    """The policy forbids this answer or action outright."""

    def __init__(self, decision: Decision) -> None:
        rules = ", ".join(reason.rule for reason in decision.reasons) or "policy"
        super().__init__(f"blocked by {rules}")
        self.decision = decision


class ResultBlocked(AnswerBlocked):
    """The action was carried out; the policy forbids to show what it returned."""


class ErrorWithheld(HandrailError):
    """A guarded function failed with an error that tells what the policy withholds.

    Raised only where no error of the same class can be made without its text; `kind` names that class.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind}: text withheld")
        self.kind = kind


class NotPermitted(HandrailError):
    """A person may not do this from here.

    `lacks` says why: `scope`, `manager`, `role` or `level` (they must prove anew who they are).
    """

    def __init__(self, operation: str, lacks: str) -> None:
        super().__init__(f"{operation} is not permitted: {lacks}")
        self.operation, self.lacks = operation, lacks


class ActionFailed(HandrailError):
    """Raise it inside `with guard.authorised(...)` to say that the action certainly had no effect.

    Any other exception leaves the outcome unknown, because an effect may have happened before it.
    """


class TicketError(HandrailError):
    """Something about a ticket forbids what was asked."""

    def __init__(self, ticket: str, problem: str) -> None:
        super().__init__(f"ticket {ticket}: {problem}")
        self.ticket, self.problem = ticket, problem


class TicketNotFound(TicketError):
    """No ticket has this id for this tenant."""


class AmbiguousReference(TicketError):
    """Several tickets' references begin so; `candidates` are some of them, with blanks between."""

    def __init__(self, ticket: str, candidates: str) -> None:
        super().__init__(ticket, f"several begin so: {candidates}")
        self.candidates = candidates


class NotAllowed(TicketError):
    """This person may not do this to this ticket."""


class NotDecided(TicketError):
    """Nobody has decided the ticket yet."""


class NotInEffect(NotDecided):
    """A person has decided, and it takes effect at the moment `until`, in seconds since 1970 UTC."""

    def __init__(self, ticket: str, until: float) -> None:
        super().__init__(ticket, "its resolution is not in effect yet")
        self.until = until


class OnHold(TicketError):
    """People have put a role on hold, or everything where `role` is empty; nothing is approved or begun."""

    def __init__(self, ticket: str, role: str) -> None:
        super().__init__(ticket, f"{role or 'everything'} is on hold")
        self.role = role


class AlreadyDecided(TicketError):
    """The ticket has moved on, so this step no longer fits."""


class AlreadyUsed(TicketError):
    """The decision was already given back once."""


class DecisionExpired(TicketError):
    """The decision, or the time to decide, has run out; expiry never approves."""


class DigestMismatch(TicketError):
    """The action differs from the one a person approved."""


class PolicyChanged(TicketError):
    """Today's policy asks for more than the approval covers; the ticket is open again."""


def is_final(error: BaseException) -> bool:
    """Tell whether retrying is wrong: a person must decide, or what was asked is forbidden or malformed.

    Use it as a predicate for retries: `retry_if_exception(lambda error: not is_final(error))`.
    """
    return isinstance(
        error, HandoffRequired | AnswerBlocked | RequestRefused | TicketError | ConfigError | NotPermitted
    )
