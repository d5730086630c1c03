"""Pages from templates, files beside the code that uses them; whatever is put into one is escaped."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(package: str, template: str, **values: object) -> str:
    """Return a page.

    Args:
        package: whose folder holds the template, as `__package__` names it.
        template: name of its file.
        values: by their names in the template.
    """
    return _environment(package).get_template(template).render(values)


@cache
def _environment(package: str) -> Environment:
    loader = PackageLoader(package, "")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
