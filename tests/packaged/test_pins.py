"""packaging/constraints.txt pins all that the set-up installs, so that what was tested is what is installed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_CONSTRAINTS = Path(__file__).parents[2] / "packaging/constraints.txt"
_EXTRAS = ("dev",)  # it includes the others


def _pins() -> list[Requirement]:
    lines = _CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _needed_by(name: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _all_needed() -> set[str]:
    """Names of all that pqdesk with every extra stands on, directly or not."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [("pqdesk", _EXTRAS)]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += [(canonicalize_name(need.name), tuple(sorted(need.extras))) for need in _needed_by(*one)]
    return {name for name, _ in seen} - {"pqdesk"}


def test_each_pin_is_exact() -> None:
    assert [str(pin) for pin in _pins() if [one.operator for one in pin.specifier] != ["=="]] == []


def test_all_that_is_needed_is_pinned_to_what_is_installed() -> None:
    pins: dict[str, Requirement] = {
        canonicalize_name(pin.name): pin for pin in _pins() if pin.marker is None or pin.marker.evaluate()
    }

    needed = _all_needed()

    assert "pyside6-essentials" in needed
    assert sorted(needed - pins.keys()) == []
    installed = {name: importlib.metadata.version(name) for name in needed}
    assert {name: version for name, version in installed.items() if not pins[name].specifier.contains(version)} == {}


def test_nothing_is_pinned_that_nobody_needs() -> None:
    only_compared_with = {canonicalize_name(need.name) for need in _needed_by("pqdesk", ("bench",))}  # not installed

    assert sorted({canonicalize_name(pin.name) for pin in _pins()} - _all_needed() - only_compared_with) == []
