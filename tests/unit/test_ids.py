import multiprocessing
import uuid
from concurrent.futures import ThreadPoolExecutor

from handrail.ids import new_id

FORK = multiprocessing.get_context("fork")


def test_an_id_is_a_uuid_of_version_7_and_ids_come_in_the_order_of_time() -> None:
    ids = [new_id() for _ in range(500)]
    assert all(uuid.UUID(one).version == 7 and uuid.UUID(one).variant == uuid.RFC_4122 for one in ids)
    assert [one[:12] for one in ids] == sorted(one[:12] for one in ids)


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: new_id(), range(4000)))
    assert len({one[13:] for one in ids}) == 4000


def test_a_child_of_a_fork_draws_chance_of_its_own() -> None:
    new_id()
    answers = FORK.SimpleQueue()
    process = FORK.Process(target=lambda: answers.put([new_id()[13:] for _ in range(100)]))
    process.start()
    theirs = answers.get()
    process.join()
    assert not set(theirs) & {new_id()[13:] for _ in range(100)}
