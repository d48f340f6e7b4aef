import json
from pathlib import Path

import jsonschema
import pytest

from handrail.policy import load, loads, shipped
from handrail.policy.file.document import Document
from handrail.policy.file.editor_schema import schema
from support.shop_policy import SHOP

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_policy_fits_the_schema_that_editors_use(name: str) -> None:
    path = ROOT / "policies" / "handrail_policies" / f"{name}.yaml"
    content = json.loads(json.dumps(Document(path.read_text(), name).value, default=float))
    jsonschema.validate(content, schema())
    jsonschema.validate(content, schema(load(name)))


def test_the_schema_with_a_policy_knows_its_facts_and_roles() -> None:
    content = json.loads(json.dumps(Document(SHOP, "p").value, default=float))
    jsonschema.validate(content, schema(loads(SHOP)))
    content["if_unsure"] = "nobody"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(loads(SHOP)))
    content["if_unsure"] = "queue"
    content["tests"][0]["given"]["amount"] = 101
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(loads(SHOP)))


def test_a_schema_offers_a_policys_facts_tools_and_roles() -> None:
    found = schema(load("support"))["$defs"]
    assert "issue_refund.args." in found["FactShape"]["properties"]["from"]["examples"]
    assert "refund.amount > 100 USD" in found["HandOffShape"]["properties"]["when"]["examples"]
    assert "finance_lead" in found["RoleShape"]["properties"]["backup"]["enum"]
    assert "tool.issue_refund" in found["FactShape"]["properties"]["after"]["examples"]
