"""Handlers: marks, their checks, and finding one by name."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import ModuleType

import pytest

from pqdesk.errors import InvalidInput, PQDeskError
from pqdesk.workers.handlers import Fail, Handler, Retry, consumer, load_handler, producer


@pytest.fixture
def module(monkeypatch):
    made = ModuleType("some_handlers")
    monkeypatch.setitem(sys.modules, "some_handlers", made)
    return made


def test_marked_function_stays_an_ordinary_function():
    @consumer("emails", concurrency=4, lease="5m", timeout=timedelta(seconds=9), max_attempts=2, rate=(100, 60))
    def send(message):
        return message.upper()

    options = Handler.of(send).consumer

    assert send("hello") == "HELLO"
    assert (options.queue, options.concurrency, options.lease, options.timeout) == ("emails", 4, 300.0, 9.0)
    assert (options.max_attempts, options.rate) == (2, (100, 60.0))


def test_producer_keeps_its_schedule():
    @producer("emails", every="10s", missed="skip")
    def poll():
        yield 1

    options = Handler.of(poll).producer

    assert list(poll()) == [1]
    assert (options.queue, options.every, options.cron, options.missed) == ("emails", 10.0, None, "skip")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"concurrency": 0}, "concurrency must be between 1"),
        ({"lease": 0}, "lease must be above zero"),
        ({"timeout": "soon"}, "'soon' is no duration"),
        ({"max_attempts": 0}, "max_attempts must be between 1"),
        ({"backoff": "sometimes"}, "backoff 'sometimes'"),
        ({"rate": 100}, r"rate must be \(messages, seconds\)"),
    ],
)
def test_option_out_of_range_is_refused_by_name(options, reason):
    with pytest.raises(InvalidInput, match=reason):
        consumer("emails", **options)


def test_two_schedules_are_refused():
    with pytest.raises(InvalidInput, match="not by both"):
        producer("emails", every=5, cron="* * * * *")


def test_fail_and_retry_are_signals_and_no_errors_of_ours():
    assert not issubclass(Fail, PQDeskError)
    assert not issubclass(Retry, PQDeskError)
    assert Fail("no such user").reason == "no such user"
    assert Retry(5).delay == 5
    assert Fail().reason == "given up by its handler"
    with pytest.raises(InvalidInput, match="delay must be zero or more"):
        Retry(-1)


def test_handler_is_found_by_module_and_name(module):
    @consumer("emails")
    def send(message):
        return None

    module.send = send

    handler = load_handler("some_handlers:send")

    assert (handler.function, handler.name, handler.consumer.queue) == (send, "some_handlers:send", "emails")


def test_unmarked_function_can_be_a_handler(module):
    module.send = lambda message: None

    handler = load_handler("some_handlers:send")

    handler.check_consumes()
    handler.check_produces()
    assert handler.consumer is None


def test_method_of_a_class_is_found(module):
    class Mail:
        @staticmethod
        def send(message):
            return None

    module.Mail = Mail

    assert load_handler("some_handlers:Mail.send").function is Mail.send


@pytest.mark.parametrize("spec", ["", "some_handlers", ":send", "some_handlers:", "a.py"])
def test_spec_of_another_form_is_refused(spec):
    with pytest.raises(InvalidInput, match="is not of the form module:function"):
        load_handler(spec)


def test_missing_function_is_told_with_what_there_is(module):
    module.send = consumer("emails")(lambda message: None)
    module.helper = lambda: None

    with pytest.raises(InvalidInput, match="has no 'sned'; its handlers are send"):
        load_handler("some_handlers:sned")


def test_missing_module_is_told():
    with pytest.raises(InvalidInput, match="there is no module 'no_such_module_at_all' here or installed"):
        load_handler("no_such_module_at_all.sub:send")


def test_value_that_is_no_function_is_refused(module):
    module.send = 3

    with pytest.raises(InvalidInput, match="is a int, not a function"):
        load_handler("some_handlers:send")


def test_async_function_consumes_and_does_not_produce(module):
    async def send(message):
        return None

    module.send = send

    handler = load_handler("some_handlers:send")

    handler.check_consumes()
    assert handler.is_async
    with pytest.raises(InvalidInput, match="is an async function"):
        handler.check_produces()


def test_generator_is_no_consumer(module):
    def send(message):
        yield message

    with pytest.raises(InvalidInput, match="has a yield in it"):
        Handler.of(send, "some_handlers:send").check_consumes()


def test_consumer_and_producer_are_not_mixed_up():
    consuming = Handler.of(consumer("emails")(lambda message: None), "m:consuming")
    producing = Handler.of(producer("emails")(lambda: iter(())), "m:producing")

    with pytest.raises(InvalidInput, match="is a producer; run it with: pqdesk produce"):
        producing.check_consumes()
    with pytest.raises(InvalidInput, match="is a consumer; run it with: pqdesk consume"):
        consuming.check_produces()
