"""The shape of a policy file: its keys, their types, what each is for."""

from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from handrail.policy.language.facts import Kind
from handrail.policy.language.sources import Per
from handrail.records import Effect, Severity, Trigger
from handrail.text.edges import Edge

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
FactName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.\w+)*$", max_length=100)]
ToolNameText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
When: TypeAlias = str | bool
Given: TypeAlias = dict[str, Any]
Unit: TypeAlias = Literal["seconds", "minutes", "hours", "days", "weeks"]


class Shape(BaseModel):
    """A part of a policy file; keys it does not know are errors."""

    # Validators of parts are built into that of the whole file; none of their own is needed to read one.
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class RoleShape(Shape):
    """A role: who may answer, how fast, and who comes next."""

    answer_within: str | None = Field(default=None, description="Time to decide, e.g. `30 minutes`.")
    backup: RoleName | None = Field(default=None, description="The role that takes over when time runs out.")
    covers: list[RoleName] = Field(
        default_factory=list, description="Roles whose cases this one may settle as well."
    )
    hours: str | None = Field(default=None, description="When the role is there, e.g. `mon-fri 09:00-17:00`.")
    holidays: str | None = Field(
        default=None, description="Country code of the holidays that the role keeps."
    )
    capacity_per_day: int | None = Field(
        default=None, gt=0, description="Tickets a day; `backtest` compares with it."
    )
    sees: list[str] | None = Field(default=None, description="Finding types and categories shown unmasked.")
    readback: str | None = Field(
        default=None,
        min_length=1,
        description="The argument that a person types again before they approve at high severity.",
    )
    answer_first: bool = Field(
        default=False, description="Its people write their own answer before they see a held draft."
    )
    seeded_cases: bool = Field(
        default=False, description="Its queue may hold decided cases again, to see how people decide."
    )
    means: str = Field(default="", description="What the role is for.")


class FactShape(Shape):
    """A fact: a typed value that rules may read, and where it comes from."""

    type: Kind = Field(description="Type of the fact.")
    from_: str | list[str] | None = Field(
        default=None,
        alias="from",
        description="Source, or a list of arguments of several tools; without it the caller's fact source.",
    )
    optional: bool = Field(default=False, description="Tells the analyser that the fact may be missing.")
    values: list[str] | None = Field(default=None, description="Values of a one-of or set.")
    currencies: list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]] | None = Field(
        default=None, description="Currencies of a money fact; one alone is that of a bare number."
    )
    currency: str | list[str] | None = Field(
        default=None, description="Source of the currency, e.g. `issue_refund.args.currency`."
    )
    unit: Unit | None = Field(default=None, description="Unit of a duration that comes as a bare number.")
    min: int | Decimal | str | None = Field(
        default=None, description="Least value; below it the fact is unknown."
    )
    max: int | Decimal | str | None = Field(
        default=None, description="Greatest value; above it the fact is unknown."
    )
    sum: str | None = Field(default=None, description="`from: ledger`: the fact to add up.")
    count: bool | None = Field(
        default=None, description="`from: ledger`: count actions instead of adding up."
    )
    where: str | None = Field(default=None, description="`from: ledger`: the tool whose actions count.")
    per: Per | None = Field(default=None, description="`from: ledger`: whose actions count together.")
    within: str | None = Field(default=None, description="`from: ledger`: how far back, e.g. `30 days`.")
    after: str | None = Field(default=None, description="`from: conversation`: `user_yes` or `tool.<name>`.")
    says: list[Annotated[str, StringConstraints(min_length=2, max_length=100)]] | None = Field(
        default=None, description="Words next to which the answer states the fact, e.g. [refund, money back]."
    )
    second_reader: bool | None = Field(
        default=None, description="`says:`: the model is asked where the words say nothing that is read."
    )
    of: str | None = Field(default=None, description="`from: provenance`: the fact whose origin is asked.")
    means: str = Field(default="", description="What the fact is.")


class HandOffShape(Shape):
    """A rule of `hand_offs`: when it is true, its effect applies; all that match apply."""

    id: Identifier = Field(description="Unique in the file.")
    when: When = Field(description="The condition.")
    to: RoleName | None = Field(default=None, description="The role that decides.")
    also_to: list[RoleName] = Field(default_factory=list, description="Roles that must agree as well.")
    effect: Literal["hand_off", "redact", "block"] = Field(
        default="hand_off", description="What the rule does."
    )
    also: Literal["redact"] | None = Field(
        default=None, description="Mask the findings the rule names as well."
    )
    trigger: Trigger | None = Field(
        default=None, description="Why it stops; derived from the facts if left out."
    )
    severity: Severity = Field(default=Severity.MEDIUM, description="The most severe rule owns the ticket.")
    because: str = Field(default="", description="The reason, as the reviewer and the register show it.")
    source: str = Field(
        default="", description="The sentence of the written policy that the rule comes from."
    )
    notice: Identifier | None = Field(default=None, description="The notice to show instead of `hand_off`.")
    mode: Literal["enforce", "shadow"] = Field(
        default="enforce", description="`shadow` records and does not act."
    )


class AnswerShape(Shape):
    """What an answer of a decision leads to."""

    effect: Effect = Field(description="What the answer does; a bare word in `answers:` is short for it.")
    to: RoleName | None = Field(default=None, description="The role that decides.")
    also_to: list[RoleName] = Field(default_factory=list, description="Roles that must agree as well.")
    trigger: Trigger | None = Field(default=None, description="Why it stops; `never_ai` if left out.")
    severity: Severity = Field(default=Severity.MEDIUM, description="The most severe owns the ticket.")


class BusinessRuleShape(Shape):
    """A rule of a decision: when it is true it gives an answer, unless a live rule overrides it."""

    id: Identifier = Field(description="Unique in the file.")
    when: When = Field(description="The condition.")
    then: str = Field(description="The answer.")
    overrides: list[Identifier] = Field(default_factory=list, description="Rules that this one beats.")
    because: str = Field(default="", description="The reason, as the reviewer sees it.")
    source: str = Field(default="", description="The sentence of the written policy it comes from.")
    mode: Literal["enforce", "shadow"] = Field(default="enforce", description="`shadow` only records.")


class ConflictShape(Shape):
    """Who decides when two rules disagree."""

    to: RoleName = Field(description="The owner of the process.")
    also_to: list[RoleName] = Field(default_factory=list, description="Roles that must agree as well.")
    between: list[Identifier] = Field(
        default_factory=list,
        description="In a decision: only where the rules that disagree are all among these.",
    )
    severity: Severity = Field(default=Severity.MEDIUM, description="The most severe owns the ticket.")


class DecisionShape(Shape):
    """A business decision: rules that must not disagree."""

    applies_when: When = Field(default=True, description="When the decision is to be taken at all.")
    answers: dict[str, Effect | AnswerShape] = Field(min_length=1, description="What each answer leads to.")
    rules: list[BusinessRuleShape] = Field(min_length=1, description="Order does not matter.")
    on_conflict: ConflictShape | list[ConflictShape] | None = Field(
        default=None,
        description="Who decides when its rules disagree: the first entry that fits, else the file's.",
    )
    because: str = Field(default="", description="What the decision is for.")


class KnownConflictShape(Shape):
    """Rules that are known to disagree; `check` notes it and does not fail, routing does not change."""

    rules: list[Identifier] = Field(min_length=2, description="Rules of one decision.")
    because: str = Field(min_length=1, description="Why it is accepted.")


class StatementShape(Shape):
    """Something that always or never holds of the facts."""

    that: str = Field(description="An expression; a bare text in the list is short for it.")
    because: str = Field(default="", description="Why it holds.")


class DeniedShape(Shape):
    """A text that is always a finding, compared without regard to case."""

    value: str = Field(description="The text.")
    type: Identifier = Field(default="denied", description="Type of the finding.")
    category: str = Field(default="identifier", description="Category of the finding.")


class EntityShape(Shape):
    """An entity type of your own, found like the shipped ones; see [Scanning](../explanation/scanning.md)."""

    type: Identifier = Field(description="Name of the finding, in snake_case.")
    category: str = Field(description="A category that rules name, such as `identifier` or `financial`.")
    patterns: list[str] = Field(
        default_factory=list,
        description="RE2 expressions; group 1 is the value, or else the whole match. Best in single quotes.",
    )
    terms: list[str] = Field(default_factory=list, description="Words and phrases, found whole.")
    weak_terms: list[str] = Field(
        default_factory=list, description="Words that count only beside another of the type's terms."
    )
    check: str = Field(default="", description="A shipped check that the value must satisfy, e.g. `aba`.")
    fallback: str = Field(
        default="", description="A weaker check that suffices where a context word is near."
    )
    score: Decimal = Field(default=Decimal("0.6"), ge=0, le=1, description="Score without any context, 0..1.")
    context: list[str] = Field(default_factory=list, description="Words that raise the score when near.")
    against: list[str] = Field(default_factory=list, description="Words that lower the score when near.")
    needs_context: bool = Field(default=False, description="Found only where a context word is near.")
    edge: Edge = Field(default="word", description="What may not touch the value.")
    extend: str = Field(default="", description="Expression for what may follow a long match.")
    is_carrier: bool = Field(
        default=False, description="Findings of checked types inside it stay findings of their own."
    )
    is_hidden_only: bool = Field(
        default=False, description="Looked for only where something was hidden, such as in base64."
    )
    is_optional: bool = Field(
        default=False, description="For shipped types; one of your own is always looked for."
    )
    match: list[str] = Field(default_factory=list, description="Texts in which it must be found: tests.")
    not_match: list[str] = Field(default_factory=list, description="Texts in which it must not: tests.")


class ScanShape(Shape):
    """Additions to what the scanner finds."""

    entities: list[EntityShape] = Field(default_factory=list, description="Entity types of your own.")
    allow: list[str] = Field(default_factory=list, description="Texts that are never a finding.")
    deny: list[str | DeniedShape] = Field(default_factory=list, description="Texts that always are one.")
    enable: list[str] = Field(default_factory=list, description="Optional shipped types to look for.")
    disable: list[str] = Field(default_factory=list, description="Shipped types or categories to leave out.")
    floor: Decimal | int | None = Field(
        default=None, ge=0, le=1, description="Least score of a finding, 0..1."
    )
    tagger: str | None = Field(
        default=None, description="Who finds names and addresses: `rules`, `none`, or an analyzer's name."
    )
    redaction: Literal["label", "mask", "pseudonym"] = Field(
        default="label",
        description="What stands for a masked value; a `pseudonym` is given back in the answer.",
    )


class SignalShape(Shape):
    """What a policy adds to one signal or topic."""

    level: Decimal | int | None = Field(
        default=None, ge=0, le=1, description="Probability from which it counts, 0..1."
    )
    words: list[str] = Field(default_factory=list, description="Words and phrases that always show it.")
    match: list[str] = Field(default_factory=list, description="Texts in which it must be heard: tests.")
    not_match: list[str] = Field(default_factory=list, description="Texts in which it must not: tests.")
    tools: list[str] = Field(default_factory=list, description="A topic: tools whose results are on it.")
    intents: list[str] = Field(
        default_factory=list, description="A topic: values of the context's fact `intent` that declare it."
    )
    records: list[str] = Field(
        default_factory=list,
        description="A topic: values of the context's fact `record_type` that declare it.",
    )


class ExpectShape(Shape):
    """What a test expects; only what is written is compared."""

    effect: Effect | None = Field(default=None, description="The effect of the whole decision.")
    hand_off: list[RoleName] | None = Field(default=None, description="Exactly these roles, in any order.")
    owner: RoleName | None = Field(default=None, description="The role that owns the ticket.")
    decision: str | dict[str, str] | None = Field(
        default=None, description="An answer, or answers by decision."
    )
    rules: list[str] | None = Field(default=None, description="These rules are among the reasons.")
    triggers: list[Trigger] | None = Field(default=None, description="Exactly these triggers, in any order.")
    shadow: list[str] | None = Field(default=None, description="Exactly these rules in shadow.")


class CaseShape(Shape):
    """A test: facts, and what the policy must say."""

    name: str = Field(description="A sentence.")
    given: Given = Field(default_factory=dict, description="Facts; `null` states that one is unknown.")
    stage: Literal["input", "answer", "tool", "result"] | None = Field(
        default=None, description="Without it the latest stage among the given facts."
    )
    expect: ExpectShape = Field(description="What the policy must say.")


class MoveShape(Shape):
    """Open tickets go from a role of an earlier version to a role of this one."""

    move: dict[RoleName, RoleName] = Field(min_length=1, description="Old role and new one.")


class PolicyShape(Shape):
    """A policy file."""

    policy: Identifier = Field(description="Name of the policy.")
    version: str = Field(
        coerce_numbers_to_str=True, description="A label; the sha256 of the content is what is recorded."
    )
    owner: RoleName | None = Field(default=None, description="The role that owns the file.")
    mode: Literal["enforce", "shadow"] = Field(
        default="enforce", description="`shadow` records and does not act."
    )
    if_unsure: RoleName = Field(description="Role for what is unknown, not covered or not checked.")
    time_zone: str = Field(default="UTC", description="For times of day and weekdays.")
    roles: dict[str, RoleShape | None] = Field(min_length=1, description="Who can be asked, in snake_case.")
    tools: dict[ToolNameText, Literal["reads", "acts"]] = Field(
        default_factory=dict,
        description="Every tool: `reads` changes nothing and costs no ticket unless a rule says so, `acts`.",
    )
    unlisted: Literal["hand_off", "block", "pass_reads"] | None = Field(
        default=None,
        description="What a tool that `tools:` does not list meets; `hand_off` if left out."
        " `pass_reads` lets those pass whose framework declares that they only read.",
    )
    facts: dict[FactName, FactShape] = Field(default_factory=dict, description="What rules may read.")
    thresholds: dict[str, str] = Field(default_factory=dict, description="Calibration files by name.")
    audit_rate: Decimal | int | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the passed answers that a person checks, until a calibration says it.",
    )
    scan: ScanShape = Field(default_factory=ScanShape, description="Additions to the scanner.")
    signals: dict[str, SignalShape] = Field(
        default_factory=dict, description="Words, levels and tests of signals and topics."
    )
    signals_model: str | None = Field(
        default=None, description="File of heads made with `handrail signals train`, beside the policy."
    )
    self_check: Literal["off", "verbalised", "p_true", "agreement"] = Field(
        default="off", description="How the model is asked how sure it is, if at all."
    )
    stream: Literal["hold", "release"] = Field(
        default="hold", description="Hold a stream to its end, or release it piece by piece."
    )
    log: Literal["batched", "durable"] = Field(
        default="batched",
        description="Whether an answer is released before its decision is on record, or only then.",
    )
    enforced_by: RoleName | None = Field(
        default=None, description="The role of which two people put a version in force."
    )
    on_change: Literal["keep", "rejudge"] | MoveShape = Field(
        default="keep",
        description="What happens to open tickets when this version comes in force: kept as they are, judged"
        " again by their facts, or moved from role to role.",
    )
    hand_offs: list[HandOffShape] = Field(default_factory=list, description="All that match apply.")
    on_conflict: ConflictShape | None = Field(
        default=None, description="Needed as soon as there are decisions."
    )
    decisions: dict[Identifier, DecisionShape] = Field(
        default_factory=dict, description="Business rules, by decision."
    )
    known_conflicts: list[KnownConflictShape] = Field(default_factory=list, description="Accepted ones.")
    always: list[str | StatementShape] = Field(default_factory=list, description="True of every case.")
    impossible: list[str | StatementShape] = Field(default_factory=list, description="True of no case.")
    notices: dict[str, str] = Field(default_factory=dict, description="What the person is told.")
    test_defaults: Given = Field(
        default_factory=dict, description="Facts of every test, unless it gives its own."
    )
    tests: list[CaseShape] = Field(default_factory=list, description="Cases and what must come of them.")
