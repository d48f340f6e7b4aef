"""Every ticket of the demonstration answers six questions by itself, and no secret of it lies about."""

import io
from pathlib import Path

from rich.console import Console

from handrail.store import open_store
from handrail.tickets.lifecycle import State
from handrail.tickets.questions import QUESTIONS, six_answers
from handrail.tickets.ticket import SUMMARY_LIMIT
from handrail_adapters.demo.scenario import SHOP
from handrail_adapters.demo.terminal import Demonstration, Terminal


def test_every_ticket_of_the_demonstration_answers_the_six_questions(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/handrail.db"
    screen = Terminal(Console(file=io.StringIO(), width=160))
    Demonstration(scenario=SHOP, screen=screen).run(policy="support", store=url)
    store = open_store(url, allow_volatile=True)
    with store.read("default") as tx:
        names = [row.id for row in tx.conn.exec_driver_sql("SELECT id FROM tickets").all()]
    assert len(names) >= 5
    for name in names:
        ticket = store.get("default", name).ticket
        assert ticket is not None
        answers = six_answers(ticket)
        assert tuple(answers) == QUESTIONS
        assert all(answers.values()), (name, answers)
        assert sum(len(text) for text in ticket.summary.model_dump().values()) <= SUMMARY_LIMIT
        for secret in SHOP.secrets:
            assert secret not in ticket.model_dump_json()
    assert State.APPLIED in store.counts("default")
    assert store.verify().is_intact
    store.close()
    for path in tmp_path.iterdir():
        if path.is_file():
            assert all(secret.encode() not in path.read_bytes() for secret in SHOP.secrets)
