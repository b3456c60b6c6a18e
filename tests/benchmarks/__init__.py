"""How fast PQDesk is, beside the bare limit and beside other queues: run by hand, never as part of the tests.

    python -m tests.benchmarks                          everything, about seven minutes
    python -m tests.benchmarks --list                   the parts, with what each does and how long it takes
    python -m tests.benchmarks --only put,consume       some of them
    python -m tests.benchmarks --json FILE --svg FILE   also write the table as data and as a chart
    python -m tests.benchmarks --backlog 10,1000,10000000   other sizes (ten million: ten minutes and 5 GB more)

The other queues are the extra `bench` (pip install -e '.[bench]' --constraint packaging/constraints.txt); one that is
not installed is a row that says so. Each contender works in a process of its own, on files of its own below
`--folder`, which has to be on the disk that is meant: on a RAM disk a flush is free and durable figures mean nothing.

How the figures are made honest: the contenders take turns (A B C A B C …), a ratio is the median of the ratios of the
rounds, payloads are the same JSON object for all, the level of `synchronous` is read back from each contender's own
connection, and what a flush costs is measured beside. A peer is set to the level of durability of PQDesk's default
where it can be; which are not is in the table. `×` compares the rates, `p50 ×` the middle operation of each round,
which a neighbour on the disk disturbs less. `flushes` are PQDesk's own calls of fdatasync per message, counted; those
that SQLite makes at a checkpoint come on top. A peer at FULL has one per commit.

Modules by reason to change:

    contenders/   the queues, behind one small protocol; imported in the children only
    child, work   what runs in the process of a contender
    team          starting the children and giving them turns
    parts/        what is measured, a module per theme
    results, measures   rows, goals, percentiles, ratios: pure
    table, chart, summary   writing them down; summary is the README's short table
    machine       what was measured on
"""
