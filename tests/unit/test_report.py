"""What workers say, and that nothing keeps them from working when nobody can hear it."""

from __future__ import annotations

import errno
import io

import pytest

from pqdesk.workers.report import Report, describe_exception


class Broken(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self._error = error

    def write(self, text):
        raise self._error


def test_lines_of_messages():
    out = io.StringIO()

    Report(out, io.StringIO()).settled_all([("completed", 7, "code", 1, 0.0123), ("failed", 8, "code", 2, 1)])

    assert out.getvalue() == "completed id=7 queue=code attempt=1 12 ms\nfailed id=8 queue=code attempt=2 1.00 s\n"


def test_name_with_blanks_is_quoted():
    out = io.StringIO()

    Report(out, io.StringIO()).settled_all([("failed", 7, "my queue", 2, 1)])

    assert out.getvalue() == "failed id=7 queue='my queue' attempt=2 1.00 s\n"


def test_full_disk_under_the_log_is_no_error():
    Report(Broken(OSError(errno.ENOSPC, "No space left on device")), io.StringIO()).line("completed")


def test_reader_that_has_gone_is_noticed():
    gone = []

    Report(Broken(BrokenPipeError()), io.StringIO(), lambda: gone.append(True)).line("completed")

    assert gone == [True]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_name_can_be_written_in_any_locale(encoding):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)

    Report(out, io.StringIO()).line("queue=日本 \udcff")

    assert raw.getvalue().decode(encoding).startswith("queue=")


def test_traceback_leaves_out_our_own_frames():
    def handler():
        raise ValueError("no")

    try:
        handler()
    except ValueError as exc:
        text = describe_exception(exc, skipped_frames=1)

    assert text.count('File "') == 1
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: no")
