"""A batch for a model that has one of its own: inputs judged one by one, asked together, answers judged.

LangChain's models inherit a batch that asks for one input after the other, in threads or tasks; a guarded
model has that too. A model that overrides it (one that runs where the program runs, or an API with a batch)
is asked for all inputs at once, but for those that the guard holds. What came for an input waits beside it
until LangChain asks for that input, so callbacks see each as a run of its own, and only what was released.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig

from handrail_adapters.langchain.inner import InnerModel, detached_run
from handrail_adapters.langchain.results import ResultWriter

if TYPE_CHECKING:
    from handrail.guard import Call


@dataclass(slots=True)
class Begun:
    """One input that was screened.

    Args:
        call: the guarded call; its `outcome` is set if the model must not be asked.
        inner: asks the model.
        writer: writes what may be released.
        answer: what came, or the error that came instead, once the model was asked.
    """

    call: "Call"
    inner: InnerModel
    writer: ResultWriter
    answer: ChatResult | Exception | None = None

    def taken(self) -> ChatResult | None:
        """Return what the model answered, None if it has not been asked.

        Raises:
            Exception: what the model raised in place of an answer.
        """
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def has_own_batch(model: BaseChatModel, *, is_async: bool) -> bool:
    """Tell whether a model's class brings a batch of its own."""
    kind = type(model)
    return kind.abatch is not Runnable.abatch if is_async else kind.batch is not Runnable.batch


def ask_together(begun: Sequence[Begun], config: RunnableConfig) -> None:
    """Ask the model for all inputs that are not decided yet; the present run is hidden meanwhile."""
    for items, inputs, options in _groups(begun):
        with detached_run():
            answers = items[0].inner.uncached().batch(inputs, config, return_exceptions=True, **options)
        _give(items, answers)


async def aask_together(begun: Sequence[Begun], config: RunnableConfig) -> None:
    """Ask the model for all inputs that are not decided yet, as `ask_together` does."""
    for items, inputs, options in _groups(begun):
        with detached_run():
            model = items[0].inner.uncached()
            answers = await model.abatch(inputs, config, return_exceptions=True, **options)
        _give(items, answers)


def bound_of(config: RunnableConfig | Sequence[RunnableConfig] | None) -> RunnableConfig:
    """Return what of a configuration says how much is done at once; the rest is the outer run's."""
    first = config[0] if isinstance(config, Sequence) else config
    most = (first or {}).get("max_concurrency")
    return {} if most is None else {"max_concurrency": most}


def _groups(begun: Sequence[Begun]) -> Iterator[tuple[list[Begun], list[Any], dict[str, Any]]]:
    """Give the inputs that go to the model, those that are asked with the same options together."""
    groups: list[tuple[list[Begun], list[Any], dict[str, Any]]] = []
    for one in begun:
        if one.call.outcome is not None:
            continue
        messages, options = one.inner.upstream(one.call)
        group = next((group for group in groups if group[2] == options), None)
        if group is None:
            groups.append(group := ([], [], options))
        group[0].append(one)
        group[1].append(messages)
    yield from groups


def _give(items: Sequence[Begun], answers: Sequence[object]) -> None:
    if len(answers) != len(items):
        raise ValueError("a model's batch gives one answer for each input")
    for one, answer in zip(items, answers, strict=True):
        if isinstance(answer, BaseMessage):
            one.answer = ChatResult(generations=[ChatGeneration(message=answer)])
        else:
            one.answer = answer if isinstance(answer, Exception) else TypeError("the answer is no message")
