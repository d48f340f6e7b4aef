"""A policy with one limit of confidence and a fact by which its traffic may be sliced."""

POLICY = """
policy: topics
version: "1"
owner: lead
mode: enforce
if_unsure: lead
time_zone: UTC
roles:
  lead: {answer_within: 1 hours, backup: boss, means: Reads.}
  boss: {answer_within: 1 hours, backup: lead, means: Reads.}
facts:
  confidence: {type: number, min: 0, max: 1, optional: true}
  topic: {type: one of, values: [card, other], from: caller}
hand_offs:
  - id: low-confidence
    when: confidence is known and confidence < LIMIT
    to: lead
    because: Too unsure.
"""
