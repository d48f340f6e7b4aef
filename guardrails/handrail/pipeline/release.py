"""What the caller gets of a released answer: masked where the policy says so, pseudonyms given back."""

from dataclasses import replace

from handrail.pipeline.pipeline import Engine
from handrail.pipeline.withhold import mask, masked_call
from handrail.records import Decision, Draft
from handrail.scan.vault import Vault


def released_text(text: str, decision: Decision, engine: Engine, vault: Vault) -> str:
    """Return one text of an answer as the caller may have it."""
    types = engine.masked_out(decision)
    if types:
        text = mask(text, engine.scanner.scan(text), types, engine.hide)
    return vault.restore(text) if vault else text


def released_draft(draft: Draft, decision: Decision, engine: Engine, vault: Vault) -> Draft:
    """Return a draft as the caller may have it; the draft itself where nothing changes."""
    types = engine.masked_out(decision)
    if not types and not vault:
        return draft

    def told(text: str) -> str:
        return released_text(text, decision, engine, vault)

    calls = tuple(masked_call(call, engine.scanner, types, engine.hide) for call in draft.tool_calls)
    changed = replace(
        draft,
        text=told(draft.text),
        refusal=draft.refusal and told(draft.refusal),
        asides=tuple(told(aside) for aside in draft.asides),
        tool_calls=calls,
    )
    if changed == draft:
        return draft
    # Log-probabilities belong to the tokens the model wrote.
    return changed if changed.text == draft.text else replace(changed, logprobs=None)
