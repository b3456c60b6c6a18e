"""Looks at and presses widgets through AT-SPI, on behalf of accessibility.py at the other end of its pipes.

Runs by itself under Debian's /usr/bin/python3, the only one that has python3-gi, so it imports nothing of ours.
One JSON object a line comes in; one goes out: {"ok": answer} or {"error": sentence}.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

warnings.simplefilter("ignore")  # python3-gi's own deprecations are not ours to mend
import gi  # type: ignore[import-not-found]  # noqa: E402

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # type: ignore[import-not-found]  # noqa: E402

_CALL_MS, _START_MS = 5_000, 15_000
# A table lists each cell as a child; cells are read through the Table interface instead.
_TABLE_ROLES = ("table", "tree table", "tree")
_TABLE_CHILDREN = 40
_OTHER_CHILDREN = 400
_LEFT_OUT_OF_TREE = ("table cell", "list item")  # too many, and read better from their table


class Agent:
    """Answers requests. `ref` numbers name the widgets of the newest find and stay good until the next one."""

    def __init__(self) -> None:
        self._widgets: dict[int, Any] = {}

    def answer(self, request: dict[str, Any]) -> Any:
        operation = getattr(self, "on_" + request.pop("do"))
        return operation(**request)

    def on_find(
        self,
        session: int,
        *,
        role: str | None = None,
        name: str | None = None,
        object_name: str | None = None,
        states: list[str] | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        """What meets all criteria. Below what is not shown nothing is, so that is passed over if it must be shown."""
        self._widgets.clear()
        found: list[dict[str, Any]] = []
        for widget, _ in _walk_session(session, is_whole="showing" not in (states or ())):
            if _matches(widget, role, name, object_name, states or []):
                self._widgets[len(found)] = widget
                found.append({"ref": len(found), **_describe(widget)})
                if len(found) == limit:
                    break
        return found

    def on_tree(self, session: int, *, is_whole: bool) -> str:
        """One widget a line; only those shown unless `is_whole`."""
        described = ((_describe(widget), depth) for widget, depth in _walk_session(session, is_whole=is_whole))
        return "\n".join(
            "  " * depth + _line(widget) for widget, depth in described if widget["role"] not in _LEFT_OUT_OF_TREE
        )

    def on_act(self, ref: int, action: str) -> bool:
        widget = self._widgets[ref]
        return bool(widget.do_action(_actions(widget).index(action)))

    def on_set_text(self, ref: int, text: str) -> bool:
        return bool(Atspi.EditableText.set_text_contents(self._widgets[ref], text))

    def on_focus(self, ref: int) -> bool:
        return bool(self._widgets[ref].grab_focus())

    def on_table(self, ref: int, first: int, count: int) -> dict[str, Any]:
        widget = self._widgets[ref]
        widget.clear_cache()
        table = widget.get_table_iface()
        rows, columns = Atspi.Table.get_n_rows(table), Atspi.Table.get_n_columns(table)
        shown = range(first, min(rows, first + count))
        header = [_ask(Atspi.Table.get_column_description, table, k, otherwise="") for k in range(columns)]
        cells = [[_ask(_cell_text, table, row, k, otherwise="") for k in range(columns)] for row in shown]
        return {"rows": rows, "header": header, "cells": cells}

    def on_cell_box(self, ref: int, row: int, column: int) -> list[int] | None:
        return _box(_cell(self._widgets[ref].get_table_iface(), row, column))


def _ask(question: Callable[..., Any], *arguments: Any, otherwise: Any = None) -> Any:
    """The answer, or `otherwise` when the widget went away between two calls."""
    try:
        return question(*arguments)
    except (GLib.Error, AttributeError, RuntimeError):
        return otherwise


def _cell(table: Any, row: int, column: int) -> Any:
    return Atspi.Table.get_accessible_at(table, row, column)


def _cell_text(table: Any, row: int, column: int) -> Any:
    return _cell(table, row, column).get_name()


def _actions(widget: Any) -> list[str]:
    names: list[str] = _ask(lambda: [widget.get_action_name(i) for i in range(widget.get_n_actions())], otherwise=[])
    return names


def _box(widget: Any) -> list[int] | None:
    extents = _ask(lambda: widget.get_component_iface() and widget.get_extents(Atspi.CoordType.SCREEN))
    return [extents.x, extents.y, extents.width, extents.height] if extents else None


def _object_name(widget: Any) -> str:
    """Qt's accessible id is the path of object names; the last is the widget's own."""
    return str(_ask(widget.get_accessible_id) or "").rsplit(".", 1)[-1]


def _states(widget: Any) -> list[str]:
    names: list[str] = _ask(lambda: [one.value_nick for one in widget.get_state_set().get_states()], otherwise=[])
    return names


def _describe(widget: Any) -> dict[str, Any]:
    return {
        "role": _ask(widget.get_role_name, otherwise=""),
        "name": _ask(widget.get_name) or "",
        "description": _ask(widget.get_description) or "",
        "object_name": _object_name(widget),
        "states": _states(widget),
        "text": _ask(lambda: Atspi.Text.get_text(widget, 0, -1) if widget.get_text_iface() else None),
        "actions": _actions(widget),
        "box": _box(widget),
    }


def _line(widget: dict[str, Any]) -> str:
    words = [widget["role"], repr(widget["name"])]
    if widget["object_name"]:
        words.append("#" + widget["object_name"])
    if widget["text"] and widget["text"] != widget["name"]:
        words.append(f"text={widget['text'][:200]!r}")
    if widget["actions"]:
        words.append(str(widget["actions"]))
    if "showing" not in widget["states"]:
        words.append("(not showing)")
    return " ".join(words)


def _matches(widget: Any, role: str | None, name: str | None, object_name: str | None, states: list[str]) -> bool:
    return (
        (name is None or _ask(widget.get_name) == name)
        and (role is None or _ask(widget.get_role_name) == role)
        and (object_name is None or _object_name(widget) == object_name)
        and (not states or {*states} <= {*_states(widget)})
    )


def _walk_session(session: int, *, is_whole: bool) -> Iterator[tuple[Any, int]]:
    """Every widget, with its depth, of the programs whose session (setsid(2)) is `session`."""
    desktop = Atspi.get_desktop(0)
    for index in range(desktop.get_child_count()):
        program = _ask(desktop.get_child_at_index, index)
        if program is not None and _session_of(program) == session:
            _ask(program.clear_cache)
            yield from _walk_below(program, 0, is_whole)


def _session_of(program: Any) -> int:
    try:
        return os.getsid(program.get_process_id())
    except (GLib.Error, OSError):
        return -1


def _walk_below(parent: Any, depth: int, is_whole: bool) -> Iterator[tuple[Any, int]]:
    """What `parent` contains; without `is_whole` only what is shown, and what that contains."""
    limit = _TABLE_CHILDREN if _ask(parent.get_role_name) in _TABLE_ROLES else _OTHER_CHILDREN
    for index in range(min(_ask(parent.get_child_count, otherwise=0), limit)):
        child = _ask(parent.get_child_at_index, index)
        if child is not None and (is_whole or "showing" in _states(child)):
            yield child, depth
            yield from _walk_below(child, depth + 1, is_whole)


def main() -> None:
    Atspi.init()
    Atspi.set_timeout(_CALL_MS, _START_MS)
    agent = Agent()
    print(json.dumps({"ok": "ready"}), flush=True)
    for line in sys.stdin:
        try:
            reply = {"ok": agent.answer(json.loads(line))}
        except Exception as exc:  # noqa: BLE001 - whatever goes wrong belongs to the one who asked
            reply = {"error": f"{type(exc).__name__}: {exc}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
