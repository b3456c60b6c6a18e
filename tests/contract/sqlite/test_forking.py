"""A fork while other threads use the queue: the child gets its own connection, or a clear error, and never a hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import run_python

_BESIDE_BUSY_THREADS = """
import collections, os, signal, sys, threading
from pqdesk import Empty, Queue, WorkspaceError
path, forks = sys.argv[1], int(sys.argv[2])
sys.setswitchinterval(0.0005)  # else who forks waits for four others at each step; and forks meet more moments
queue = Queue("q", database=path, durability="relaxed")
queue.put("first")
ends = threading.Event()

def work(number):
    while not ends.is_set():
        queue.put(number)
        queue.counts()
        try:
            queue.get(timeout=0).ack()
        except Empty:
            pass

threads = [threading.Thread(target=work, args=(one,)) for one in range(4)]
for thread in threads:
    thread.start()
codes = collections.Counter()
for number in range(forks):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)  # a hang ends by it
        code = 1
        try:
            queue.put("never")
        except WorkspaceError:
            code = 2
        try:
            with Queue("children", database=path, durability="relaxed") as own:
                own.put(number)
            code = 0 if code == 2 else code
        except WorkspaceError as exc:
            os.write(2, str(exc).encode())
        os._exit(code)
    codes[os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])] += 1
ends.set()
for thread in threads:
    thread.join()
print(dict(codes), Queue("children", database=path).qsize())
queue.close()
"""


@pytest.mark.timeout(300)
def test_hundreds_of_forks_beside_four_busy_threads(tmp_path: Path) -> None:
    command = (sys.executable, "-c", _BESIDE_BUSY_THREADS, str(tmp_path / "app.db"), "300")

    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)

    assert (done.stdout.split(), done.stderr) == (["{0:", "300}", "300"], "")


_BESIDE_A_TRANSACTION = """
import os, sys, threading
from pqdesk import Queue, WorkspaceError
queue = Queue("q", database=sys.argv[1])
queue.put(1)
is_open, may_end = threading.Event(), threading.Event()

def transact():
    with queue.transaction() as tx:
        queue.put(2, tx=tx)
        is_open.set()
        may_end.wait()

thread = threading.Thread(target=transact)
thread.start()
is_open.wait()
if os.fork() == 0:
    try:
        Queue("q", database=sys.argv[1])
    except WorkspaceError as exc:
        os._exit(7 if "forked inside a transaction" in str(exc) else 8)
    os._exit(9)
print(os.waitstatus_to_exitcode(os.wait()[1]))
may_end.set()
thread.join()
print(queue.qsize())
queue.close()
"""


def test_a_transaction_that_another_thread_has_open_is_told_and_goes_on(tmp_path: Path) -> None:
    assert run_python(_BESIDE_A_TRANSACTION, str(tmp_path / "app.db")).split() == ["7", "2"]


_WORKERS = """
import multiprocessing, sys, threading
from pqdesk import Queue

def child(path, number):
    with Queue("q", database=path) as queue:
        queue.put(number)

if __name__ == "__main__":
    queue = Queue("q", database=sys.argv[1])
    queue.put("first")
    messages = iter(queue)
    next(messages)  # its thread extends the lease
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.starmap(child, [(sys.argv[1], number) for number in range(30)])
    print(queue.qsize())
    queue.close()
"""


def test_a_pool_of_forked_processes_opens_queues_of_its_own(tmp_path: Path) -> None:
    assert run_python(_WORKERS, str(tmp_path / "app.db")).strip() == "30"
