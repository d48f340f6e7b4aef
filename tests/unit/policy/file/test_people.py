from pathlib import Path

import pytest

from handrail.errors import PolicyError, RoleError
from handrail.policy import load_people, loads
from support.valid_policy import GOOD


def test_people_fill_every_role_or_the_start_fails(tmp_path: Path) -> None:
    policy = loads(GOOD)
    path = tmp_path / "people.yaml"
    path.write_text(
        "roles:\n  queue_manager: [quinn]\n  supervisor: [suri, sam]\n"
        "people: {quinn: , suri: , sam: {name: Sam}}\n"
    )
    people = load_people(path, policy)
    assert people.members("supervisor") == {"suri", "sam"}
    assert people.roles_of("quinn") == {"queue_manager"}
    with pytest.raises(RoleError, match="did you mean 'supervisor'"):
        people.members("supervisr")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("roles: {queue_manager: [q], supervisor: []}", "nobody fills supervisor"),
        ("roles: {queue_manager: [q]}", "nobody fills supervisor"),
        ("roles: {queue_manager: [q], supervisr: [s]}", "no role 'supervisr'"),
    ],
)
def test_a_role_without_people_is_a_role_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(text)
    with pytest.raises(RoleError, match=words):
        load_people(path, loads(GOOD))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "holds `roles:`"),
        ("roles: {queue_manager: q}", "write a list"),
        ("roles: {queue_manager: [q]}\npeoples: {}", "unknown key"),
        ("roles: {queue_manager: [q]}\npeople: {z: }", "'q' is not under people"),
        ("roles: {queue_manager: [q]}\npeople: [q]", "maps ids"),
        ("roles: {queue_manager: [q]}\npeople: {q: 5}", "write keys"),
    ],
)
def test_a_people_file_of_another_form_is_a_policy_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=words):
        load_people(path, loads(GOOD))


def test_every_text_of_an_entry_is_a_name_of_that_person(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(
        "roles:\n  queue_manager: [fay]\n  supervisor: [suri]\n"
        "people:\n  fay: {email: Fay@Example.org, aliases: [F-17, 4711], about: {team: blue}}\n"
        "  suri: {about: {team: blue}}\n"
    )
    people = load_people(path, loads(GOOD))
    for name in ("fay", "FAY ", "fay@example.org", "f-17", "4711"):
        assert people.identities(name) == {"fay", "fay@example.org", "f-17", "4711"}, name
    assert people.identities("suri") == {"suri"}
    assert people.identities("blue") == set()


def test_people_know_which_roles_cover_a_role(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("roles: {queue_manager: [q], supervisor: [s]}")
    policy = loads(GOOD.replace("  supervisor:\n", "  supervisor: {covers: [queue_manager]}\n"))
    people = load_people(path, policy)
    assert people.covering("queue_manager") == ("supervisor",)
    assert people.covering("supervisor") == ()
