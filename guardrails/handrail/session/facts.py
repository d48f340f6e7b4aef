"""Facts of one exchange: every declared fact that can be had at a stage, typed, or unknown with its reason."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from handrail.policy import FactDeclaration, Policy, sources
from handrail.records import Evidence, FactValue, Finding, Part, Speaker, Stage, ToolCall, Unknown
from handrail.session.needs import NeedFacts, NeedHistory, Steps
from handrail.session.provenance import came_from, confirmed_after
from handrail.session.withhold import newest
from handrail.tickets.ports import LedgerQuery

