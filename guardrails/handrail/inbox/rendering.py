"""Writes pages from templates: everything is escaped, and a name that is not there is a fault."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
TEMPLATES, STATIC = HERE / "templates", HERE / "static"


class Renderer:
    """Writes a template's text."""

    def __init__(self) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.environment.globals["static"] = static_path

    def text(self, template: str, values: Mapping[str, object]) -> str:
        """Return the text of a template with these values."""
        return self.environment.get_template(template).render(values)


@cache
def static_path(name: str) -> str:
    """Return where a browser finds a static file; another address once its content is another one."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"
