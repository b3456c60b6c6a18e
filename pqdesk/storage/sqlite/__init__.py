"""The engine on SQLite, through APSW: the only place that knows SQL.

One file in WAL mode, its schema in schema/NNNN_*.sql. Modules by reason to change:

    files        is this file ours to open, and making a new one
    connection   settings, transactions, the busy handler, errors into ours
    company · descriptors · inotify   no other SQLite library of this process may have the file open
    calling      a call as a whole: none inside another, and nothing held by what is raised in it
    forking      a fork waits for what other threads do with SQLite
    durability   one flush after the lock is free; the tripwire against silent loss
    migrations   numbered steps of the schema
    queue_rows   a queue's row and its exact counters; configuration is what is set of it
    puts · claims · settlements · transitions · promotion   what changes messages
    operating · bulk · actions · status · editing · erasing · progress    what people do to messages, many at once
    activity · undoing · look_only · schedule_rows · ledger  what they did, and back; whether they may
    owners · reaping · waiting   who is alive, taking back from the dead, sleeping until there is work
    background · chores · upkeep · history · checkpoints · space   keeping the file small and the disk usable
    inspection · looking        questions, over a connection of their own; one part of a long one at a time
    terms · listing · sorting · pages · naming     a selection as SQL; finding its messages, in order, in pages
    explaining · errors · metrics · metric_rows    why a message waits; kinds of errors; what happened per minute
    held · deliveries · store   what this process has in hand; taking and settling; all of it behind the contract

How a delivery can end, and what each failure leaves behind:

    ack returned                    completed and on disk; never delivered again
    nack, exception in a handler    retrying after the backoff; failed when out of attempts
    process killed, machine off     its lock file is free: ready at once, the attempt counted, one more death;
                                    failed at max_deaths deaths within one boot
    lease ran out (hung worker)     ready again, failed when out of attempts; its old receipt changes nothing
    killed between commit and flush either may be the case; the call has not returned
    power lost before a flush       every call that returned is on disk; a claim may be undone, and its
                                    holder is gone with the power
    disk full                       puts are refused while a reserve is left, so that acks go on working
    file replaced under us          the tripwire raises before the call returns
    another SQLite in this process  refused; where it comes unheard, the next call raises, or the one under way
    flush failed                    the engine refuses all further work in this process (fsync(2): the pages
                                    may be gone, a second flush would lie)
"""
