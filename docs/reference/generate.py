"""Writes the reference pages from the code they describe: `python docs/reference/generate.py`.

`api.md`, `cli.md`, `errors.md` and `ticket.md` are written here, `policy.md` by `handrail policy reference`.
Every extra must be installed, since each command shows its own options. A test fails while a page is out of
date.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from handrail import Guard, errors
from handrail.cli import build
from handrail.cli.deferred import Deferred
from handrail.policy.tools.reference import reference as policy_reference
from handrail.tickets.ticket import schema

HERE = Path(__file__).parent
HEAD = "<!-- Written by docs/reference/generate.py; do not edit. -->"

AREAS = {
    "handrail": "What most programs need.",
    "handrail.guard": "One guarded call, step by step; for adapters.",
    "handrail.errors": "Every error, and whether a retry makes sense.",
    "handrail.records": "The values that everything else speaks in.",
    "handrail.policy": "Policies: reading, checking, deciding.",
    "handrail.scan": "Finding and masking sensitive text.",
    "handrail.scan.stream": "The same for text that arrives in pieces.",
    "handrail.confidence": "How sure an answer is.",
    "handrail.signals": "What a conversation shows.",
    "handrail.http.client": "Guarding a client of httpx or httpx2.",
    "handrail.text.values": "Reading values of types that nobody else knows.",
    "handrail.inbox.rest.openapi": "The document of the inbox's API.",
    "handrail.store": "Where tickets live.",
    "handrail.store.samples": "Passed answers that were drawn for a person to check.",
    "handrail.tickets.samples": "What such an answer holds, and the verdict on it.",
    "handrail.desk": "Timers, delivery and escalation.",
    "handrail.desk.receive": "Checking a webhook of the desk where it arrives.",
    "handrail.gateway": "The proxy for programs in any language.",
    "handrail.gateway.settings": "Its settings, one by one.",
    "handrail.review": "The weekly review.",
    "handrail.replay": "Recorded conversations through a policy.",
    "handrail.testing": "Doubles for tests, yours and ours.",
    "handrail.testing.quarter": "A quarter of traffic whose truth is known.",
    "handrail_adapters.openai": "The OpenAI client.",
    "handrail_adapters.anthropic": "The Anthropic client.",
    "handrail_adapters.langchain": "LangChain models and tools.",
    "handrail_adapters.langchain_agents": "LangChain agents and LangGraph.",
    "handrail_adapters.agents_sdk": "The OpenAI Agents SDK.",
    "handrail_adapters.pydantic_ai": "Pydantic AI.",
    "handrail_adapters.otel": "OpenTelemetry.",
    "handrail_adapters.presidio": "Microsoft Presidio as one more scanner.",
    "handrail_adapters.spacy": "A spaCy pipeline as one more scanner.",
}
"""The documented modules in the order of the page. What they do not export is internal."""

API_PROMISE = """\
**Stable:** what is imported from a module on this page by a name on this page: that it exists, what its
parameters mean, the type it returns and the errors it raises. **May change in a minor release:** new
names, new keyword parameters with a default, new fields of a returned value, new members of an
enumeration; and every module and name that is not listed. **Deprecation:** a name that is to go stays
for at least one minor release, warns with `DeprecationWarning` and names its successor; the
[changes](../../CHANGELOG.md) list both."""
CLI_PROMISE = """\
**Stable:** the names of commands, arguments and options, exit codes, and the keys of `--json`. **May
change in a minor release:** new commands and options, new keys of `--json`, and the text and tables for
people. **Deprecation:** an option that is to go keeps working for at least one minor release and says on
standard error what takes its place.

Exit code 0: done. 1: what was asked about is not in order (a failed check, a difference). 2: the command
could not be used as given. Commands say below where they differ."""
ERROR_PROMISE = """\
**Stable:** the names, who derives from whom, the attributes, and whether an error is final. **May change
in a minor release:** messages, and new errors below the ones listed. **Deprecation:** as in the
[API](api.md). Messages hold ids, kinds and positions, never text that was scanned."""
TICKET_PROMISE = """\
`handrail tickets schema` prints this as JSON Schema. **Stable:** the names and meanings of fields; a
ticket that any earlier version wrote can be read, shown and decided. **May change in a minor release:**
new fields, and new members of an enumeration: readers ignore what they do not know. **Deprecation:** a
field that is no longer written stays readable; the changes name it. Fields that are digested, sealed or
signed keep their names for good."""


def api() -> str:
    """Return the page of the public names of every documented module, as Markdown."""
    return "\n".join(
        [
            "# API reference",
            "",
            HEAD,
            "",
            API_PROMISE,
            *_areas(),
        ]
    )


def _areas() -> Iterator[str]:
    described: set[int] = set()
    for name, about in AREAS.items():
        yield from _area(name, about, described)


def _area(name: str, about: str, described: set[int]) -> Iterator[str]:
    module = importlib.import_module(name)
    yield from ("", f"## {name}", "", about, "")
    rows = [(public, getattr(module, public)) for public in public_names(module)]
    yield "| name | what it is |"
    yield "|---|---|"
    for public, value in rows:
        yield f"| `{public}` | {_cell(_summary(value))} |"
    for public, value in rows:
        if (inspect.isclass(value) or inspect.isfunction(value)) and id(value) not in described:
            described.add(id(value))
            yield from _details(public, value)


def public_names(module: Any) -> list[str]:
    """Return the public names of a module, sorted: those it exports, else those it defines."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__, key=str.casefold)
    own = (n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__)
    return sorted((name for name in own if not name.startswith("_")), key=str.casefold)


def _details(name: str, value: Any) -> Iterator[str]:
    tree = _tree(value)
    if tree is None:
        return
    if isinstance(tree, ast.ClassDef):
        body = list(_members(tree))
        if value is Guard:
            # Its other half is no name of its own.
            body += [line for base in value.__bases__ for line in _half(base)]
        if body and not issubclass(value, BaseException):
            yield from ("", f"**{name}**", "", "```py", *body, "```")
    else:
        yield from ("", f"**{name}**", "", "```py", _signature(tree), "```")


def _half(base: type) -> Iterator[str]:
    tree = _tree(base)
    assert isinstance(tree, ast.ClassDef)
    return (line for line in _members(tree) if not line.startswith("def __init__"))


def _tree(value: Any) -> ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        text = inspect.getsource(inspect.unwrap(value))
    except (OSError, TypeError):
        return None
    found = ast.parse(inspect.cleandoc("\n" + text)).body[0]
    return found if isinstance(found, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else None


def _members(tree: ast.ClassDef) -> Iterator[str]:
    overloaded: set[str] = set()
    for item in tree.body:
        match item:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield ast.unparse(item)
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                yield ast.unparse(item)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                is_overload = any(ast.unparse(mark).endswith("overload") for mark in item.decorator_list)
                if is_overload:
                    overloaded.add(name)
                is_public = not name.startswith("_") or name in ("__init__", "__call__")
                if is_public and (is_overload or name not in overloaded):
                    yield _signature(item)


def _signature(tree: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    word = "async def" if isinstance(tree, ast.AsyncFunctionDef) else "def"
    is_property = any(ast.unparse(mark) == "property" for mark in tree.decorator_list)
    returns = f" -> {ast.unparse(tree.returns)}" if tree.returns else ""
    if is_property:
        return f"{tree.name}{returns.replace(' -> ', ': ')}"
    return f"{word} {tree.name}({ast.unparse(tree.args)}){returns}"


def cli() -> str:
    """Return the page of every command with its options, as Markdown."""
    command = typer.main.get_command(build())
    return "\n".join(
        [
            "# Command reference",
            "",
            HEAD,
            "",
            CLI_PROMISE,
            *_command(command, "handrail"),
        ]
    )


def _command(command: Any, path: str) -> Iterator[str]:
    command = command.loaded() if isinstance(command, Deferred) else command
    if hasattr(command, "list_commands"):
        if command.invoke_without_command:
            yield from _section(command, path)
        context = command.context_class(command, info_name=path)
        for name in sorted(command.list_commands(context)):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _command(found, f"{path} {name}")
    else:
        yield from _section(command, path)


def _section(command: Any, path: str) -> Iterator[str]:
    arguments = [option for option in command.params if option.param_type_name == "argument"]
    options = [option for option in command.params if option.param_type_name == "option"]
    usage = " ".join([path, *(_metavar(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    yield from (
        "",
        f"## {path}",
        "",
        f"`{usage}`",
        "",
        inspect.cleandoc(command.help or "").replace("\b\n", ""),
    )
    if arguments or options:
        yield from ("", "| | default | meaning |", "|---|---|---|")
    for one in arguments:
        yield f"| `{_metavar(one).strip('[]')}` | | {_cell(one.help or '')} |"
    for one in options:
        names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
        yield f"| {names} | {_cell(_default(one))} | {_cell(_help(one))} |"


def _metavar(argument: Any) -> str:
    name = str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _default(option: Any) -> str:
    value = option.default
    if option.required:
        return "required"
    if isinstance(getattr(option, "show_default", None), str):
        return str(option.show_default)
    if value is None or value is False or value in ("", [], ()) or callable(value):
        return ""
    return f"`{'on' if value is True else value}`"


def _help(option: Any) -> str:
    variable = f" Environment: `{option.envvar}`." if option.envvar else ""
    return f"{option.help or ''}{variable}"


def error_page() -> str:
    """Return the page of every error, as Markdown."""
    tree = (errors.__doc__ or "").partition("\n\n")[2].partition("\n\nMessages")[0]
    found = [value for value in vars(errors).values() if _is_error(value)]
    return "\n".join(
        [
            "# Errors",
            "",
            HEAD,
            "",
            ERROR_PROMISE,
            "",
            "```",
            tree,
            "```",
            "",
            "An error is *final* if a retry cannot help: `handrail.is_final(error)`.",
            "",
            "| error | from | final | when |",
            "|---|---|---|---|",
            *(
                f"| `{each.__name__}` | {', '.join(f'`{base.__name__}`' for base in each.__bases__)} "
                f"| {'yes' if issubclass(each, FINAL) else 'no'} | {_cell(each.__doc__ or '')} |"
                for each in found
            ),
        ]
    )


FINAL = (errors.HandoffRequired, errors.AnswerBlocked, errors.TicketError, errors.ConfigError)


def _is_error(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__


def ticket() -> str:
    """Return the page of the ticket's JSON Schema, as Markdown."""
    document: Mapping[str, Any] = schema()
    return "\n".join(
        [
            "# The ticket",
            "",
            HEAD,
            "",
            TICKET_PROMISE,
            *_object("Ticket", document),
            *(
                line
                for name, part in sorted(document.get("$defs", {}).items())
                for line in _object(name, part)
            ),
        ]
    )


def _object(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"## {name}", "")
    if part.get("description"):
        yield from (" ".join(inspect.cleandoc(part["description"]).partition("\n\n")[0].split()), "")
    if "enum" in part:
        yield " · ".join(f"`{value}`" for value in part["enum"])
        return
    needed, fields = part.get("required", ()), part.get("properties", {})
    yield from ("| field | type |", "|---|---|")
    for field, shape in fields.items():
        yield f"| `{field}` | {_type(shape)}{'' if field in needed else ' (optional)'} |"


def _type(shape: Mapping[str, Any]) -> str:
    if "$ref" in shape:
        return f"*{shape['$ref'].rpartition('/')[2]}*"
    if "anyOf" in shape:
        return " or ".join(_type(one) for one in shape["anyOf"])
    if shape.get("type") == "array":
        items = shape.get("items") or (shape.get("prefixItems") or [{}])[0]
        return f"list of {_type(items)}"
    if shape.get("type") == "object":
        inner = shape.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) and inner else "object"
    if "const" in shape:
        return f"`{shape['const']}`"
    return str(shape.get("format") or shape.get("type") or "anything")


def _summary(value: Any) -> str:
    is_documented = inspect.isclass(value) or callable(value)
    text = inspect.cleandoc(value.__doc__ or "") if is_documented else ""
    return " ".join(text.partition("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def pages() -> dict[str, str]:
    """Return every generated page by file name."""
    made = {"api.md": api(), "cli.md": cli(), "errors.md": error_page(), "ticket.md": ticket()}
    return {"policy.md": policy_reference(), **{name: f"{text.rstrip()}\n" for name, text in made.items()}}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
