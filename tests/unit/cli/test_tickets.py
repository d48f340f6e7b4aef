"""The commands for tickets, audit and store do what they say, and say what is wrong."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.cli import audit, store, tickets
from handrail.cli.ticket_text import clock
from handrail.errors import ConfigError, NotAllowed, NotPermitted
from handrail.store import open_store
from handrail.store.crypto.signing import new_signer, write_signer, write_trusted
from handrail.tickets.lifecycle import WITH_PEOPLE, State
from handrail.tickets.ports import Settlement
from support.scenes import PEOPLE, POLICY
from support.stores import SECRET, new_ticket


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "people.yaml").write_text(PEOPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_STORE", f"sqlite:///{tmp_path}/handrail.db")
    return tmp_path


@pytest.fixture
def ticket(folder: Path) -> str:
    opened = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    made = new_ticket(customer="erika", now=datetime.now(UTC))
    opened.open(made)
    opened.close()
    return made.id


def run(group: object, *words: str) -> str:
    result = CliRunner().invoke(group, list(words), catch_exceptions=False)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result.output


AS_FAY = ("--as", "fay", "--policy", "policy.yaml", "--people", "people.yaml")


def test_a_ticket_is_listed_shown_claimed_and_decided(ticket: str) -> None:
    listed = json.loads(run(tickets.commands, "list", "--json"))
    assert [row["id"] for row in listed["tickets"]] == [ticket]
    shown = run(tickets.commands, "show", ticket)
    assert "What exactly would be done?" in shown
    assert SECRET not in shown
    assert "is yours until" in run(tickets.commands, "claim", ticket, *AS_FAY)
    assert "is decided" in run(tickets.commands, "decide", ticket, "edit", "--set", "amount=590", *AS_FAY)
    assert run(tickets.commands, "list") == "No tickets.\n"
    assert ticket in run(tickets.commands, "list", "--state", "decided")


def test_ids_alone_are_listed_as_many_as_were_asked_for(ticket: str, folder: Path) -> None:
    with_store = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    more = [new_ticket(now=datetime.now(UTC)) for _ in range(2)]
    for one in more:
        with_store.open(one)
    with_store.close()
    ids = run(tickets.commands, "list", "--ids").split()
    assert sorted(ids) == sorted([ticket, *(one.id for one in more)])
    assert run(tickets.commands, "list", "--ids", "--limit", "1").split() == ids[:1]
    none = CliRunner().invoke(tickets.commands, ["list", "--state", "applied", "--ids"])
    assert (none.exit_code, none.stdout) == (0, "")


def test_unmasking_shows_the_text_and_is_on_record(ticket: str) -> None:
    assert SECRET in run(tickets.commands, "show", ticket, "--unmask", *AS_FAY)
    assert "ticket.unmask" in run(tickets.commands, "show", ticket)
    with pytest.raises(ConfigError, match="--as"):
        run(tickets.commands, "show", ticket, "--unmask")


def test_somebody_of_another_role_is_refused(ticket: str) -> None:
    with pytest.raises(NotPermitted, match="role"):
        run(tickets.commands, "claim", ticket, "--as", "quinn", *AS_FAY[2:])


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--state", "nonsense"),
        ("decide", "x", "nonsense", *AS_FAY),
        ("decide", "x", "edit", "--set", "amount", *AS_FAY),
        ("decide", "x", "reject", "--reason", "It is too much.", *AS_FAY),
        ("decide", "x", "part", "--call", "call-1=reject:far too much", *AS_FAY),
        ("list", "--store", "sqlite:///nowhere/none.db"),
    ],
)
def test_a_wrong_word_is_named(words: tuple[str, ...], ticket: str) -> None:
    with pytest.raises(ConfigError):
        run(tickets.commands, *words)


def test_the_schema_is_json_schema() -> None:
    assert json.loads(run(tickets.commands, "schema"))["title"] == "Ticket"


def test_verify_names_what_was_altered_and_ends_with_1(folder: Path, ticket: str) -> None:
    assert "intact" in run(audit.commands, "verify")
    opened = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    with opened.database.write() as conn:
        conn.exec_driver_sql("UPDATE audit SET actor = 'nobody'")
    opened.close()
    result = CliRunner().invoke(audit.commands, ["verify", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.output)["problems"][0]["what"] == "it was altered"


def test_the_audit_log_is_exported_as_json_and_csv(ticket: str) -> None:
    (line,) = run(audit.commands, "export").splitlines()
    assert json.loads(line)["kind"] == "ticket.open"
    assert run(audit.commands, "export", "--csv").startswith("writer,seq,tenant,ticket")


def test_a_checkpoint_is_signed_and_checked(folder: Path, ticket: str) -> None:
    signer = new_signer("auditor")
    (folder / "auditor.key").write_text(write_signer(signer))
    (folder / "monday.json").write_text(run(audit.commands, "checkpoint", "--key", "auditor.key"))
    trusted = write_trusted(signer.public)
    assert "intact" in run(audit.commands, "verify", "--checkpoint", "monday.json", "--trusted", trusted)
    with pytest.raises(ConfigError):
        run(audit.commands, "verify", "--checkpoint", "monday.json")


def test_a_store_is_backed_up_its_keys_rotated_and_a_customer_erased(folder: Path, ticket: str) -> None:
    run(store.commands, "backup", "copy.db")
    assert (folder / "copy.db").exists()
    assert "1 data keys" in run(store.commands, "rotate-keys", "handrail.db.key")
    assert "1 tickets emptied" in run(store.commands, "erase", "erika", "--yes")
    assert "erased" in run(tickets.commands, "show", ticket)
    assert "0 tickets" in run(store.commands, "prune", "--days", "1")
    with pytest.raises(ConfigError, match="--yes"):
        run(store.commands, "erase", "erika")


def test_keys_for_postgresql_are_made_once_and_for_their_owner_only(folder: Path) -> None:
    run(store.commands, "new-keys", "secrets")
    assert (folder / "secrets" / "signing.key").stat().st_mode & 0o077 == 0
    assert (folder / "secrets" / "handrail.key").stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="already"):
        run(store.commands, "new-keys", "secrets")


def test_upgrade_may_be_repeated(folder: Path, ticket: str) -> None:
    url = f"sqlite:///{folder}/handrail.db"
    assert run(store.commands, "upgrade", url) == run(store.commands, "upgrade", url)
    opened = open_store(url, allow_volatile=True)
    assert opened.counts("default") == {State.READY: 1}
    opened.close()


def test_a_role_that_nobody_knows_is_named_with_the_near_one(ticket: str) -> None:
    with pytest.raises(ConfigError, match="did you mean 'finance_lead'"):
        run(tickets.commands, "list", "--role", "finance_laed", "--policy", "policy.yaml")
    assert (
        run(tickets.commands, "list", "--role", "queue_manager", "--policy", "policy.yaml") == "No tickets.\n"
    )


def test_a_person_withdraws_a_ticket_on_the_customers_word(ticket: str) -> None:
    said = run(tickets.commands, "withdraw", ticket, "--words", "I keep them", *AS_FAY)
    assert said == f"{ticket} is withdrawn\n"
    assert "I keep them" in run(tickets.commands, "show", ticket)


def test_a_duplicate_is_found_and_linked(ticket: str, folder: Path) -> None:
    opened = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    made = new_ticket(customer="erika", conversation="mail", now=datetime.now(UTC))
    opened.open(made)
    opened.close()
    assert f"What else does this customer wait for?\n  {ticket}" in run(tickets.commands, "show", made.id)
    said = run(tickets.commands, "link", made.id, "--of", ticket, *AS_FAY)
    assert said == f"{made.id} is a duplicate of {ticket}\n"
    assert f"duplicate of {ticket}" in run(tickets.commands, "show", made.id)


def test_a_case_is_bundled_and_checked_without_the_store(ticket: str, folder: Path) -> None:
    run(tickets.commands, "show", ticket)
    run(tickets.commands, "decide", ticket, "approve", *AS_FAY)
    (folder / "auditor.key").write_text(write_signer(signer := new_signer()))
    made = run(audit.commands, "bundle", ticket, "--out", "case.zip", "--key", "auditor.key")
    digest = made.split()[-1]
    (folder / "handrail.db").unlink()
    public = write_trusted(signer.public)
    said = run(audit.commands, "verify-bundle", "case.zip", "--trusted", public, "--sha256", digest)
    assert "signed by a trusted key: intact" in said
    assert "seen by" in said
    assert json.loads(run(audit.commands, "verify-bundle", "case.zip", "--json"))["problems"] == []
    altered = bytearray((folder / "case.zip").read_bytes())
    altered[500] ^= 1
    (folder / "case.zip").write_bytes(bytes(altered))
    for more in ((), ("--trusted", public), ("--sha256", digest)):
        failed = CliRunner().invoke(audit.commands, ["verify-bundle", "case.zip", *more])
        assert failed.exit_code == 1


def test_unmasked_texts_go_into_a_bundle_for_a_person_of_its_roles_alone(ticket: str, folder: Path) -> None:
    run(audit.commands, "bundle", ticket, "--out", "masked.zip")
    assert SECRET.encode() not in (folder / "masked.zip").read_bytes()
    run(audit.commands, "bundle", ticket, "--out", "case.zip", "--unmask", *AS_FAY)
    assert SECRET.encode() in (folder / "case.zip").read_bytes()
    with pytest.raises(ConfigError):
        run(audit.commands, "bundle", ticket, "--out", "case.zip", "--unmask")


def test_the_whole_command_is_a_reference_and_a_verdict(ticket: str, folder: Path) -> None:
    (folder / "handrail.toml").write_text('policy = "policy.yaml"\npeople = "people.yaml"\nperson = "fay"\n')
    reference = json.loads(run(tickets.commands, "list", "--json"))["tickets"][0]["reference"]
    said = run(tickets.commands, "decide", reference[:7], "edit", "--set", "amount=590")
    assert "amount 640 → 590\n" in said
    assert 'Runs: issue_refund {"amount":590,"order":"1182"}\n' in said
    assert said.endswith(f"{reference[:7]} is decided\n")
    shown = run(tickets.commands, "show", reference)
    assert "edited by fay" in shown
    assert "amount 640 → 590" in shown


def test_the_environment_comes_before_the_file_and_an_option_before_both(
    ticket: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "handrail.toml").write_text(
        'policy = "policy.yaml"\npeople = "people.yaml"\nperson = "nobody"\n'
    )
    with pytest.raises(ConfigError, match="'nobody' fills no role"):
        run(tickets.commands, "claim", ticket)
    monkeypatch.setenv("HANDRAIL_PERSON", "quinn")
    with pytest.raises(NotPermitted):
        run(tickets.commands, "claim", ticket)
    assert "is yours" in run(tickets.commands, "claim", ticket, "--as", "fay")


def test_the_inboxs_table_in_the_settings_file_stops_no_other_command(ticket: str, folder: Path) -> None:
    (folder / "handrail.toml").write_text('people = "people.yaml"\n[inbox]\nmanagers = ["mara"]\n')
    assert ticket in run(tickets.commands, "list")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("store = 1", "text"),
        ('polcy = "x"', "did you mean 'policy'"),
        ("store =", "handrail.toml"),
        ("[inbx]", "did you mean 'inbox'"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(
    text: str, problem: str, ticket: str, folder: Path
) -> None:
    (folder / "handrail.toml").write_text(text)
    with pytest.raises(ConfigError, match=problem):
        run(tickets.commands, "list")


def test_a_decision_is_previewed_and_a_preview_decides_nothing(ticket: str) -> None:
    said = run(tickets.commands, "decide", ticket, "edit", "--set", "amount=590", "--preview", *AS_FAY)
    assert "amount 640 → 590" in said
    assert json.loads(run(tickets.commands, "list", "--json"))["tickets"][0]["state"] == "ready"


@pytest.fixture
def several(folder: Path) -> str:
    """A ticket of a refund that was proposed together with another call, and with words."""
    opened = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    made = new_ticket(
        customer="lena",
        now=datetime.now(UTC),
        beside=(("cancel_order", '{"order": "1182"}'), ("send_voucher", '{"amount": 5}')),
        words="I do both.",
    )
    opened.open(made)
    opened.close()
    return made.id


def test_each_of_several_calls_is_decided_by_its_name(several: str) -> None:
    shown = run(tickets.commands, "show", several, *AS_FAY)
    for line in (
        'call-1: issue_refund {"amount":640',
        'call-2: cancel_order {"order":"1182"}',
        "answer: I do both.",
    ):
        assert line in shown
    calls = ("call-1=approve", "call-2=reject:still_needed", "call-3=edit", "answer=edit")
    said = run(
        tickets.commands, "decide", several, "part",
        *(word for call in calls for word in ("--call", call)),
        "--set", "call-3.amount=4", "--answer", "I do one.", "--to-agent", "Keep the order.", *AS_FAY,
    )  # fmt: skip
    assert 'Runs: issue_refund {"amount": 640, "order": "1182"}; send_voucher {"amount":4}' in said
    assert "call-3: amount 5 → 4" in said
    assert "The customer reads: I do one." in said
    later = run(tickets.commands, "show", several, *AS_FAY)
    assert "call-2: ticket " in later
    states = json.loads(run(tickets.commands, "list", "--customer", "lena", "--state", "rejected", "--json"))
    assert [row["tool"] for row in states["tickets"]] == ["cancel_order"]


@pytest.mark.parametrize(
    "words",
    [
        ("approve", "--call", "call-2=approve"),
        ("part", "--call", "call-2"),
        ("part", "--call", "call-2=answer"),
        ("part", "--call", "call-1=approve", "--call", "call-2=approve", "--set", "call-2.order=7"),
        ("part", "--call", "call-1=edit", "--set", "amount=7"),
    ],
)
def test_what_says_nothing_clear_of_each_call_is_refused(several: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run(tickets.commands, "decide", several, *words, *AS_FAY)


def test_unknown_outcomes_come_first_and_every_line_has_reference_state_and_clock(
    ticket: str, folder: Path
) -> None:
    opened = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    lost = new_ticket(customer="otto", now=datetime.now(UTC))
    opened.open(lost)
    run(tickets.commands, "decide", lost.id, "approve", *AS_FAY)
    opened.begin("default", lost.id, now=datetime.now(UTC))
    opened.finish("default", lost.id, Settlement.UNKNOWN, now=datetime.now(UTC))
    opened.close()
    first, second = run(tickets.commands, "list").splitlines()
    assert "  outcome_unknown  " in first
    assert second.split()[1].startswith("HR-")
    assert "  ready  due " in second
    assert "(in 29 min)" in second
    assert datetime.now(UTC).astimezone().tzname() in second.split()


@pytest.mark.parametrize("state", State)
def test_a_clock_runs_only_while_a_ticket_is_with_people(state: State) -> None:
    now = datetime.now(UTC)
    late = clock(now - timedelta(days=2), state, now)
    assert late.endswith("(2 d late)") is (state in WITH_PEOPLE)
    assert late.startswith("was due ") is (state not in WITH_PEOPLE)
    assert "in 29 min" not in clock(now + timedelta(minutes=29, seconds=9), State.ANSWERED, now)


def test_a_decided_ticket_is_not_told_as_late(ticket: str, folder: Path) -> None:
    run(tickets.commands, "decide", ticket, "reject", *AS_FAY)
    listed = run(tickets.commands, "list", "--state", "rejected")
    head = run(tickets.commands, "show", ticket, *AS_FAY).splitlines()[0]
    for line in (listed, head):
        assert "  was due " in line
        assert "late)" not in line
        assert "(in " not in line


def test_nobody_and_no_customer_are_told_from_an_empty_list(ticket: str) -> None:
    with pytest.raises(ConfigError, match="customer"):
        run(tickets.commands, "list", "--customer", "erica")
    assert ticket in run(tickets.commands, "list", "--customer", "erika")
    with pytest.raises(ConfigError, match="did you mean 'fay'"):
        run(tickets.commands, "claim", ticket, "--as", "fayy", *AS_FAY[2:])
    with pytest.raises(ConfigError, match="HANDRAIL_PERSON"):
        run(tickets.commands, "claim", ticket, *AS_FAY[2:])


def test_the_next_ticket_is_claimed(ticket: str) -> None:
    assert "is yours" in run(tickets.commands, "next", *AS_FAY)
    assert run(tickets.commands, "next", *AS_FAY) == "No tickets.\n"


def test_a_proposal_is_sent_back_with_an_instruction(ticket: str) -> None:
    said = run(tickets.commands, "decide", ticket, "revise", "--to-agent", "Offer a voucher first.", *AS_FAY)
    assert "is revised" in said


def test_ones_own_answer_comes_before_the_draft(folder: Path) -> None:
    asks = POLICY.replace("finance_lead:   {", "finance_lead:   {answer_first: true, ")
    (folder / "policy.yaml").write_text(asks)
    opened = open_store(f"sqlite:///{folder}/handrail.db", allow_volatile=True)
    made = new_ticket(customer="ida", now=datetime.now(UTC), with_action=False)
    opened.open(made)
    opened.close()
    assert "It is done" not in run(tickets.commands, "show", made.id, *AS_FAY)
    with pytest.raises(NotAllowed, match="own answer"):
        run(tickets.commands, "decide", made.id, "approve", *AS_FAY)
    said = run(tickets.commands, "own-answer", made.id, "It comes on Friday.", *AS_FAY)
    assert "It is done" in said
    assert "is answered" in run(tickets.commands, "decide", made.id, "approve", *AS_FAY)
