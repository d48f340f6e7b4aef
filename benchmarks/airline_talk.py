"""Facts about what was said before a call at the airline's service desk."""

import re

from benchmarks.airline_case import CHANGES, Case

from handrail.records import Speaker
from handrail.signals.assent import agrees

_COVERED = re.compile(
    r"(?i)\b(?:sick|ill|illness|unwell|health|medical|hospital\w*|surgery|doctor|injur\w+|disease|flu|fever|covid"
    r"|pregnan\w+|weather|storms?|hurricane|snow\w*|blizzard|typhoon|flood\w*)\b"
)
_REASON = re.compile(r"(?i)\breasons?\b")
_GROUNDS = re.compile(
    r"(?i)\b(?:because|since|due to|reason|plans? (?:have |has )?changed|change of plans?|emergency|no longer"
    r"|mistake|by accident|duplicate|conflict|cannot|can['’]?t|unable|instead)\b"
)
_INSURANCE = re.compile(r"(?i)\binsurance\b")
_PAYMENT = re.compile(r"(?i)\b(?:pay|paying|payment|cards?|certificates?|refund\w*)\b")
_COMPENSATION = re.compile(
    r"(?i)\b(?:compensat\w*|vouchers?|certificates?|refund\w*|reimburse\w*|make (?:it )?up)\b"
)
_REFUSES = re.compile(r"(?i)^\W*(?:no|nope|wait|stop|don['’]?t|do not|not yet|hold on)\b")


def agreed(case: Case) -> object:
    """Has the person said yes to a proposal since the last change that went through?

    Several calls may follow one yes; what is asked in between (which card?) does not undo it, a refusal does.
    """
    names = {call.id: call.name for message in case.messages for call in message.tool_calls}
    has_agreed = is_used = is_asked = False
    for message in case.messages:
        if message.speaker is Speaker.TOOL:
            name = message.name or names.get(message.tool_call_id or "", "")
            is_used = is_used or (name.startswith(CHANGES) and not message.text.startswith("Error"))
        elif message.speaker is Speaker.USER:
            kept = has_agreed and not is_used and not _REFUSES.match(message.text)
            has_agreed, is_used = (is_asked and agrees(message.text)) or kept, False
        elif message.text:
            is_asked = True
    return has_agreed


def gave_id(case: Case) -> object:
    """Has the person named the user id that the call is about?"""
    key = case.arguments.get("user_id") or (case.reservation or {}).get("user_id")
    return None if key is None else case.said(re.compile(re.escape(str(key))))


def gave_reason(case: Case) -> object:
    """Has the person said why, or answered after being asked?"""
    return case.said(_GROUNDS) or case.said(_COVERED) or case.answered(_REASON)


def gave_passengers(case: Case) -> object:
    """Did names and dates of birth come up in the conversation, told or looked up?"""
    named = case.arguments.get("passengers")
    if not isinstance(named, list):
        return None
    talk = " ".join(message.text for message in case.messages).casefold()
    fields = [str(one.get(field)) for one in named for field in ("first_name", "last_name", "dob")]
    return all(field.casefold() in talk for field in fields)


def chose_payment(case: Case) -> object:
    """Has the person spoken about how to pay or be paid?"""
    return case.said(_PAYMENT)


def asked_for_compensation(case: Case) -> object:
    """Has the person asked for compensation?"""
    return case.said(_COMPENSATION)


def insurance_came_up(case: Case) -> object:
    """Has anybody spoken of insurance?"""
    return case.came_up(_INSURANCE)


def covered_reason(case: Case) -> object:
    """Has the person spoken of health or weather?"""
    return case.said(_COVERED)
