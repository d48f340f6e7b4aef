"""Runs the tool inside a guarded one as LangChain does, but for telling callbacks what it returned.

The guarded tool's own run tells them, once the result was judged. What the tool itself asks (a model, an
agent) runs beneath that run and is seen as it would be.
"""

import inspect
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.tools.base import _format_output, _get_runnable_config_param


class InnerRun:
    """One run of an inner tool.

    Args:
        tool: the tool.
        tool_call_id: of the model's call, if there is one.
        config: of the run around it.
        manager: tells callbacks of the run around it.
    """

    def __init__(
        self,
        tool: BaseTool,
        tool_call_id: str | None,
        config: RunnableConfig | None,
        manager: CallbackManagerForToolRun | AsyncCallbackManagerForToolRun | None,
    ) -> None:
        self._tool, self._tool_call_id = tool, tool_call_id
        self._config, self._manager = config, manager

    def run(self, tool_input: str | dict[str, Any]) -> Any:
        """Return what the tool returns, not judged."""
        if type(self._tool).run is not BaseTool.run:
            return self._tool.run(tool_input, tool_call_id=self._tool_call_id, config=self._hidden())
        args, kwargs = self._read(tool_input, self._tool._run)
        return self._as_told(self._tool._run(*args, **kwargs))

    async def arun(self, tool_input: str | dict[str, Any]) -> Any:
        """Return what the tool returns, not judged."""
        if type(self._tool).arun is not BaseTool.arun:
            return await self._tool.arun(tool_input, tool_call_id=self._tool_call_id, config=self._hidden())
        is_sync = type(self._tool)._arun is BaseTool._arun
        args, kwargs = self._read(tool_input, self._tool._run if is_sync else self._tool._arun)
        return self._as_told(await self._tool._arun(*args, **kwargs))

    def _read(self, tool_input: str | dict[str, Any], fn: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, kwargs = self._tool._to_args_and_kwargs(tool_input, self._tool_call_id)
        if "run_manager" in inspect.signature(fn).parameters:
            kwargs = {**kwargs, "run_manager": self._manager}
        if name := _get_runnable_config_param(fn):
            kwargs = {**kwargs, name: self._config}
        return args, kwargs

    def _as_told(self, returned: Any) -> Any:
        """Return what a model is told: the message, where a model's call has an id."""
        content, artifact = returned, None
        if self._tool.response_format == "content_and_artifact":
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise ValueError("a tool of response_format='content_and_artifact' returns two values")
            content, artifact = returned
        return _format_output(content, artifact, self._tool_call_id, self._tool.name, "success")

    def _hidden(self) -> RunnableConfig:
        # A tool with a run of its own tells callbacks itself, before anything was judged.
        return {**(self._config or {}), "callbacks": None}
