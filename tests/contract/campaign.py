"""The queue machine for a fixed number of random runs: `python -m tests.contract.campaign --runs 10000`."""

from __future__ import annotations

import argparse

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.test_queue_machine import QueueMachine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=arguments.runs,
            stateful_step_count=arguments.steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{arguments.runs} runs of up to {arguments.steps} calls: queue and model agree")


if __name__ == "__main__":
    main()
