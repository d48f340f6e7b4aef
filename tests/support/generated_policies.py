"""Policies of every shape that a file may have, as text: for what must take any policy that can be loaded."""

from hypothesis import strategies as st

ROLES = ("sekretariat", "anwaeltin", "inhaberin", "zahlstelle")
TOOLS = ("zahlung_ausloesen", "akte_loeschen", "termin_setzen")
CURRENCIES = ("EUR", "CHF", "JPY", "KWD")
ITEMS = ("health", "legal", "iban", "credential")


@st.composite
def policies(draw: st.DrawFn) -> str:
    """Draw a policy: facts of all types, rules, decisions and tests, in any order of sections."""
    facts = draw(st.lists(st.sampled_from(sorted(FACTS)), unique=True, max_size=8))
    lines = {name: draw(FACTS[name]) for name in facts}
    conditions = [(name, condition) for name in facts for condition in CONDITIONS[name]]
    sections = {
        "roles": ["roles:", *(f"  {role}: {_role(draw, role)}" for role in ROLES)],
        "facts": ["facts:", *(f"  {name}: {line}" for name, line in lines.items())] if facts else [],
        "tools": draw(st.sampled_from([[], ["tools: {zahlung_ausloesen: acts, termin_setzen: reads}"]])),
        "hand_offs": _hand_offs(draw, [condition for _, condition in conditions]),
        "decisions": _decisions(draw, [condition for _, condition in conditions]),
        "tests": _tests(draw, facts),
    }
    order = draw(st.permutations([name for name, section in sections.items() if section]))
    head = [
        f"policy: {draw(st.sampled_from(['kanzlei', 'praxis', 'werk']))}",
        'version: "1"',
        "if_unsure: sekretariat",
        f"time_zone: {draw(st.sampled_from(['Europe/Zurich', 'UTC', 'Asia/Tokyo']))}",
        f"mode: {draw(st.sampled_from(['enforce', 'enforce', 'shadow']))}",
    ]
    return "\n".join([*head, *(line for name in order for line in sections[name])]) + "\n"


def _role(draw: st.DrawFn, role: str) -> str:
    within = draw(
        st.sampled_from(
            ["", "answer_within: 5 minutes", "answer_within: 30 minutes", "answer_within: 3 days"]
        )
    )
    backup = draw(st.sampled_from(["", *(f"backup: {other}" for other in ROLES if other != role)]))
    return "{" + ", ".join(part for part in (within, backup, "means: Prüft Fälle.") if part) + "}"


FACTS = {
    "tool.name": st.sampled_from(["{type: text}", f"{{type: one of, values: [{', '.join(TOOLS)}]}}"]),
    "zahlung.betrag": st.sampled_from(
        [f"{{type: money, currencies: [{c}], from: zahlung_ausloesen.args.betrag}}" for c in CURRENCIES]
        + ["{type: money, currencies: [EUR, CHF], from: [zahlung_ausloesen.args.b, akte_loeschen.args.b]}"]
    ),
    "zahlung.empfaenger": st.just("{type: text, from: zahlung_ausloesen.args.an}"),
    "mandat.frist": st.sampled_from(
        ["{type: duration, unit: days, min: 1 days, max: 90 days}", "{type: duration}"]
    ),
    "mandat.bezahlt": st.sampled_from(["{type: yes/no}", "{type: yes/no, from: context.bezahlt}"]),
    "mandat.gebiet": st.just("{type: one of, values: [mietrecht, erbrecht, größeres]}"),
    "mandat.stand": st.just("{type: text}"),
    "mandat.seit": st.just("{type: date, from: context.seit}"),
    "mandat.anteil": st.just("{type: percent, from: context.anteil}"),
    "mandat.saldo": st.sampled_from(["{type: number, min: -50, max: -1}", "{type: number}"]),
    "mandat.stimmen": st.sampled_from(["{type: whole number, min: 3, max: 7}", "{type: whole number}"]),
    "akte.offen": st.just("{type: yes/no, from: tool.result.termin_setzen.offen, optional: true}"),
    "input.findings": st.just(f"{{type: set, values: [{', '.join(ITEMS)}]}}"),
    "output.findings": st.just(f"{{type: set, values: [{', '.join(ITEMS)}]}}"),
    "result.findings": st.just("{type: set, values: [credential]}"),
    "beschwerde": st.just("{type: yes/no, from: signal.complaint}"),
    "zugestimmt": st.just("{type: yes/no, from: conversation, after: user_yes}"),
    "clock.time": st.just("{type: time of day}"),
    "clock.weekday": st.just("{type: weekday}"),
    "confidence": st.just("{type: number, min: 0, max: 1, optional: true}"),
    "fault": st.just("{type: one of}"),
}
CONDITIONS = {
    "tool.name": ('tool.name == "akte_loeschen"', 'tool.name in ["termin_setzen"]'),
    "zahlung.betrag": ("zahlung.betrag > 90 EUR", "zahlung.betrag > 0 CHF", "zahlung.betrag >= 5000000 JPY"),
    "zahlung.empfaenger": ('zahlung.empfaenger == "Müller"',),
    "mandat.frist": ("mandat.frist < 7 days", "mandat.frist > 80 days"),
    "mandat.bezahlt": ("mandat.bezahlt", "not mandat.bezahlt"),
    "mandat.gebiet": ('mandat.gebiet == "größeres"', 'mandat.gebiet != "mietrecht"'),
    "mandat.stand": ('mandat.stand == "eröffnet"',),
    "mandat.seit": ("mandat.seit > 2026-09-01",),
    "mandat.anteil": ("mandat.anteil > 20 %",),
    "mandat.saldo": ("mandat.saldo < -10",),
    "mandat.stimmen": ("mandat.stimmen <= 4",),
    "akte.offen": ("akte.offen", "akte.offen is known and akte.offen"),
    "input.findings": (
        'input.findings has "health"',
        'input.findings has "legal" or input.findings has "iban"',
    ),
    "output.findings": ('output.findings has "credential"',),
    "result.findings": ('result.findings has "credential"',),
    "beschwerde": ("beschwerde",),
    "zugestimmt": ("not zugestimmt",),
    "clock.time": ("clock.time > 18:00",),
    "clock.weekday": ('clock.weekday == "sunday"',),
    "confidence": ("confidence is known and confidence < 0.7", "confidence < 0.15"),
    "fault": ('fault != "none"',),
}


def _hand_offs(draw: st.DrawFn, conditions: list[str]) -> list[str]:
    chosen = draw(st.lists(st.sampled_from(conditions), max_size=6)) if conditions else []
    if draw(st.booleans()):
        chosen = [*chosen, "true"] if draw(st.integers(0, 9)) == 0 else chosen
    lines = ["hand_offs:"] if chosen else []
    indent = draw(st.sampled_from(["  ", ""]))
    for place, condition in enumerate(chosen):
        effect = draw(st.sampled_from(["", "", "", "effect: redact", "effect: block"]))
        to = "" if effect else f"to: {draw(st.sampled_from(ROLES))}"
        trigger = draw(st.sampled_from(["", "", "trigger: high_stakes", "trigger: complaint"])) if to else ""
        mode = draw(st.sampled_from(["", "", "mode: shadow"]))
        written = draw(st.sampled_from([f"when: {condition}", f"when: >-\n{indent}    {condition}"]))
        keys = [
            written,
            *(part for part in (effect, to, trigger, mode, "because: Ein Mensch prüft.") if part),
        ]
        quote = draw(st.sampled_from(["", '"']))
        lines += [f"{indent}- id: {quote}regel-{place}{quote}"]
        lines += [f"{indent}  {key}" for key in keys]
    return lines


def _decisions(draw: st.DrawFn, conditions: list[str]) -> list[str]:
    chosen = draw(st.lists(st.sampled_from(conditions), unique=True, max_size=3)) if conditions else []
    if not chosen:
        return []
    lines = ["on_conflict: {to: inhaberin}", "decisions:", "  annahme:"]
    lines += ["    answers: {ja: pass, nein: block, lesen: {effect: hand_off, to: anwaeltin}}", "    rules:"]
    for place, condition in enumerate(chosen):
        answer = draw(st.sampled_from(["ja", "nein", "lesen"]))
        lines += [f"      - id: satz-{place}", f"        when: {condition}", f"        then: {answer}"]
    return lines


def _tests(draw: st.DrawFn, facts: list[str]) -> list[str]:
    if not draw(st.booleans()):
        return []
    given = "{mandat.bezahlt: true}" if "mandat.bezahlt" in facts else "{}"
    return ["tests:", "  - name: Ein Fall", f"    given: {given}", "    expect: {effect: pass}"]
