"""Settings hand a prior or a rule all its numbers, each under its own name."""

import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from audioprior.settings.json import Choice
from audioprior.settings.presets import METHODS, RULES

PRIORS: list[Any] = list({type(method.prior): method.prior for method in METHODS.values()}.values())
STOPPING = [rule() for rule in RULES.values()]


def numbered(settings: Any, first: int = 2) -> Any:
    """The same settings, no two numbers of which are equal; those of a choice within the choice neither."""
    values: dict[str, Any] = {}
    for place, field in enumerate(fields(settings), first):
        value = getattr(settings, field.name)
        if isinstance(value, Choice):
            values[field.name] = numbered(value, 100)
        elif isinstance(value, int | float):
            values[field.name] = type(value)(place)
    return replace(settings, **values)


def numbers(settings: Any) -> dict[str, Any]:
    """What is in settings, by its name, with what is in a choice within the choice."""
    found: dict[str, Any] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        found |= numbers(value) if isinstance(value, Choice) else {field.name: value}
    return {name: value for name, value in found.items() if name != "kind"}


def given(cls: type[Any], build: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `build` hands to the constructor of a class."""
    caught: dict[str, Any] = {}
    monkeypatch.setattr(cls, "__init__", lambda _, **by_name: caught.update(by_name))
    build()
    return caught


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.kind)
def test_a_prior_is_handed_all_its_numbers(prior: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    generators, start = [torch.Generator()], [torch.ones(1)]
    settings = numbered(prior)
    cls = type(prior.build(planned_steps=1, generators=generators))
    caught = given(cls, lambda: settings.build(planned_steps=50, generators=generators, start=start), monkeypatch)
    run = {"planned_steps": 50, "generators": generators, "generator": generators[0], "start": start}
    assert numbers(settings).items() <= caught.items()
    assert caught.items() <= (numbers(settings) | run).items()
    assert ("start" in caught) == prior.batched


@pytest.mark.parametrize("rule", STOPPING, ids=lambda rule: rule.kind)
def test_a_rule_is_handed_all_its_numbers(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, settings = torch.Generator(), numbered(rule)
    caught = given(type(rule.build(generator)), lambda: settings.build(generator), monkeypatch)
    assert {name: value for name, value in caught.items() if name != "generator"} == numbers(settings)
    assert caught.get("generator", generator) is generator


def test_a_method_s_file_may_name_any_prior_and_wakes_no_torch() -> None:
    """In a process that has imported nothing else."""
    kinds = [prior.kind for prior in PRIORS]
    code = (
        "import sys\n"
        "from audioprior.settings.json import decode\n"
        "from audioprior.settings.methods import Method\n"
        f"print(*(decode({{'prior': {{'kind': kind}}}}, Method).prior.kind for kind in {kinds}))\n"
        "print('torch' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [*kinds, "False"]
