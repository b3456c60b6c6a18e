"""Errors and their exit codes."""

from __future__ import annotations

import pytest

from pqdesk import errors
from pqdesk.cli.exits import Refused, exit_code_of

_CODES = {
    errors.Empty("x"): 3,
    errors.NotFound("x"): 3,
    errors.InvalidInput("x"): 2,
    errors.LeaseLost("x", message_id=1): 4,
    errors.LookOnly("x"): 4,
    errors.DuplicateKey("x", message_id=1): 4,
    Refused("x"): 4,
    errors.Busy("x"): 75,
    errors.Full("x"): 75,
    errors.WorkspaceError("x"): 1,
    errors.SchemaTooNew("x"): 1,
    errors.Corrupt("x"): 1,
    errors.DiskFull("x"): 1,
    errors.SupervisorError("x"): 1,
}


@pytest.mark.parametrize(("error", "code"), _CODES.items(), ids=lambda one: type(one).__name__)
def test_each_error_has_the_code_of_the_contract(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


def test_no_error_is_forgotten() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    named = {kind for kind in kinds if issubclass(kind, errors.PQDeskError)} - {errors.PQDeskError}
    assert named <= {type(error) for error in _CODES}
