"""HTTP servers as consumers: what they get, what their answer means. The server is real, on this machine."""

from __future__ import annotations

import email.utils
import http.server
import io
import json
import random
import shutil
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest

from pqdesk import InvalidInput, Outgoing, Workspace
from pqdesk.workers import post_connection
from pqdesk.workers.consumer import run_consumer
from pqdesk.workers.post_target import PostTarget

_OPENSSL = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"


class Server:
    """Answers what `answer` says: (status, headers, body), or a callable of the handler. Keeps what it got."""

    def __init__(self, context=None):
        self.answers = [(200, {}, b"")]
        self.requests = []
        self.connections = set()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        if context is not None:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._scheme = "http" if context is None else "https"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self):
        return f"{self._scheme}://localhost:{self._http.server_port}/hook?x=1"

    def close(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _handler_of(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            server.connections.add(self.client_address)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append((self.path, dict(self.headers), body))
            answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
            if callable(answer):
                answer(self)
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in {"Content-Length": len(content), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    return Handler


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def server():
    started = Server()
    yield started
    started.close()


@pytest.fixture
def post(workspace):
    """Drain the queue `mail` into a server; what stderr said is in `post.err`."""

    def run(url, *, headers=(), **options):
        run.out, run.err = io.StringIO(), io.StringIO()
        target = PostTarget(url, tuple(headers))
        code = run_consumer(workspace.queue("mail"), target, drain=True, out=run.out, err=run.err, **options)
        assert code == 0, run.err.getvalue()

    return run


@pytest.mark.parametrize(
    ("payload", "kind", "body"),
    [
        ({"to": ["ä", 1]}, "application/json", '{"to":["ä",1]}'.encode()),
        ("line\nä", "text/plain; charset=utf-8", "line\nä".encode()),
        (b"\x00\xff", "application/octet-stream", b"\x00\xff"),
        (None, "application/json", b"null"),
        ("", "text/plain; charset=utf-8", b""),
    ],
)
def test_payload_is_the_body(workspace, server, post, payload, kind, body):
    workspace.queue("mail").put(payload)

    post(server.url)

    [(path, headers, got)] = server.requests
    assert (path, headers["Content-Type"], got) == ("/hook?x=1", kind, body)
    assert workspace.counts().completed == 1


def test_headers_tell_of_the_message(workspace, server, post):
    queue = workspace.queue("mail")
    first = queue.put("x", type="grüße", key="100 %", headers={"trace-id": "4711"})
    second = queue.put("x")
    server.answers = [(503, {"Retry-After": 0}, b""), (200, {}, b"")]

    post(server.url, headers=[("X-Ours", "a=b"), ("user-agent", "tests")])

    of_first = [headers for _, headers, _ in server.requests if headers["PQDesk-Id"] == str(first)]
    of_second = [headers for _, headers, _ in server.requests if headers["PQDesk-Id"] == str(second)]
    told = {name: value for name, value in of_first[0].items() if name.startswith("PQDesk-")}
    assert told == {
        "PQDesk-Id": str(first),
        "PQDesk-Queue": "mail",
        "PQDesk-Type": "gr%C3%BC%C3%9Fe",
        "PQDesk-Key": "100 %25",
        "PQDesk-Attempt": "1",
        "PQDesk-Header-trace-id": "4711",
    }
    assert (of_first[0]["X-Ours"], of_first[0]["User-Agent"]) == ("a=b", "tests")
    assert "PQDesk-Type" not in of_second[0]
    keys = [{headers["Idempotency-Key"] for headers in one} for one in (of_first, of_second)]
    assert [len(one) for one in keys] == [1, 1]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("kind", "body", "result"),
    [
        ("application/json; charset=utf-8", b'{"sent": [1, true]}', {"sent": [1, True]}),
        ("application/problem+json", b"[1", "[1"),
        ("text/html; charset=latin-1", b"\xe4", "ä"),
        ("application/octet-stream", b"\xff\x00", b"\xff\x00"),
        ("text/plain", b"", None),
    ],
)
def test_answer_is_the_result(workspace, server, post, kind, body, result):
    message_id = workspace.queue("mail").put("x")
    server.answers = [(201, {"Content-Type": kind}, body)]

    post(server.url)

    assert workspace.queue("mail").result(message_id) == result


def test_long_answer_is_cut_with_a_warning(workspace, server, post):
    message_id = workspace.queue("mail").put("x")
    server.answers = [(200, {"Content-Type": "application/json"}, b"[" + b"1," * 100_000 + b"1]")]

    post(server.url)

    assert len(workspace.queue("mail").result(message_id)) == 64 * 1024
    assert f"id={message_id}: the answer has more than 64 KiB" in post.err.getvalue()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_status_that_may_pass_is_retried(workspace, server, post, status):
    message_id = workspace.queue("mail").put("x")
    server.answers = [(status, {}, b"not\nnow \x1b[31m")]

    post(server.url)

    detail = workspace.message(message_id)
    assert detail.state.word == "retrying"
    assert detail.error.startswith(f"HTTP {status}")
    assert detail.error_text.endswith("not\\nnow \\x1b[31m")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 301, 302])
def test_other_status_fails_at_once(workspace, server, post, status):
    message_id = workspace.queue("mail").put("x")
    server.answers = [(status, {}, b"a" * 5000)]

    post(server.url)

    detail = workspace.message(message_id)
    assert (detail.state.word, detail.attempt) == ("failed", 1)
    assert detail.error_text.endswith(": " + "a" * 1024)


@pytest.mark.parametrize(
    ("value", "least_s", "most_s"),
    [
        ("120", 100, 125),
        ("99999999999999999999", 86_000, 86_405),
        (timedelta(hours=2), 7000, 7205),  # as a date from now on
        (timedelta(days=9), 86_000, 86_405),
        ("soon", 0, 10),
    ],
)
def test_retry_after_is_heeded_up_to_a_day(workspace, server, post, value, least_s, most_s):
    message_id = workspace.queue("mail").put("x")
    if isinstance(value, timedelta):
        value = email.utils.format_datetime(datetime.now(UTC) + value, usegmt=True)
    server.answers = [(429, {"Retry-After": value}, b"")]

    post(server.url)

    detail = workspace.message(message_id)
    assert least_s <= (detail.due_at - detail.attempts[0].ended_at).total_seconds() <= most_s


def test_redirect_to_the_same_server_is_followed_and_no_other(workspace, server, post):
    stranger = Server()
    try:
        first = workspace.queue("mail").put("x")
        second = workspace.queue("mail").put("x")
        server.answers = [
            (307, {"Location": "/moved"}, b""),
            (200, {}, b"here"),
            (308, {"Location": stranger.url}, b""),
        ]

        post(server.url)
    finally:
        stranger.close()

    assert [path for path, _, _ in server.requests] == ["/hook?x=1", "/moved", "/hook?x=1"]
    assert workspace.queue("mail").result(first) == "here"
    assert workspace.message(second).state.word == "failed"
    assert "which is not followed" in workspace.message(second).error
    assert stranger.requests == []


def test_server_that_is_not_there_is_tried_again(workspace, post):
    message_id = workspace.queue("mail").put("x")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"

        post(url)

    detail = workspace.message(message_id)
    assert detail.state.word == "retrying"
    assert detail.error == f"cannot post to {url[7:-1]}: Connection refused"


def test_answer_that_drips_for_ever_ends_at_the_time_limit(workspace, server, post):
    message_id = workspace.queue("mail").put("x")
    gone = threading.Event()

    def drip(handler):
        try:
            while True:
                handler.wfile.write(b"H")
                gone.wait(0.02)
        except OSError:
            gone.set()

    server.answers = [drip]

    post(server.url, timeout=0.3)

    detail = workspace.message(message_id)
    assert (detail.state.word, detail.error) == ("retrying", "timed out after 300 ms")
    assert [attempt.outcome.word for attempt in detail.attempts] == ["timed out"]


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_answer_that_is_none_is_tried_again(workspace, server, post, answer):
    message_id = workspace.queue("mail").put("x")

    def misbehave(handler):
        handler.wfile.write(answer)
        handler.close_connection = True

    server.answers = [misbehave]

    post(server.url)

    assert workspace.message(message_id).state.word == "retrying"
    assert workspace.message(message_id).error.startswith("cannot post to localhost:")


def _raw(head: bytes, body: bytes = b"") -> bytes:
    length = b"" if b"chunked" in head else b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + head + b"\r\n" + length + b"\r\n" + body


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (_raw(b"200 OK\r\nTransfer-Encoding: chunked", b"-5\r\nhello\r\n0\r\n\r\n"), "retrying"),
        (_raw(b"200 OK\r\nTransfer-Encoding: chunked", b"zz\r\nhello\r\n0\r\n\r\n"), "retrying"),
        (_raw(b"200 OK\r\nTransfer-Encoding: chunked", b"9" * 70_000), "retrying"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\nok", "completed"),
        (b"HTTP/1.1 -20 OK\r\n\r\n", "retrying"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "retrying"),
        (_raw(b"307 Moved\r\nLocation: http://[broken"), "failed"),
        (_raw(b"308 Moved\r\nLocation: http://localhost:port/"), "failed"),
        (_raw(b"307 Moved\r\nLocation: /a b\x01"), "failed"),
        (_raw(b"307 Moved\r\nLocation: /\xff\xfe"), "failed"),
        (_raw(b"307 Moved\r\nLocation: /again"), "failed"),
        (_raw(b"429 Wait\r\nRetry-After: \xb2\xff"), "retrying"),
        (_raw(b"503 Wait\r\nRetry-After: Mon, 99 Foo 99999 99:99:99 -9999999"), "retrying"),
        (_raw(b"404 \x1b[2J\x07", b"\x00\xff"), "failed"),
    ],
)
def test_whatever_is_answered_is_an_outcome_of_the_attempt(workspace, server, post, answer, state):
    message_id = workspace.queue("mail").put("x")

    def misbehave(handler):
        handler.wfile.write(answer)
        handler.close_connection = True

    server.answers = [misbehave]

    post(server.url)

    detail = workspace.message(message_id)
    assert (detail.state.word, len(detail.attempts)) == (state, 1)
    assert "\x1b" not in post.err.getvalue() + post.out.getvalue()


@pytest.mark.parametrize(
    ("kind", "body", "result"),
    [
        ("text/plain; charset=utf\0-8", b"ok", b"ok"),
        ("text/plain; charset*=a%00b'en'utf-8", b"ok", b"ok"),
        ("text/plain; charset=hex", b"6f6b", b"6f6b"),
        ("text/plain; charset=undefined", b"ok", b"ok"),
        ("text/plain; charset=unicode_escape", b"\\ud800", b"\\ud800"),
        ("application/json", b'{"x": NaN}', '{"x": NaN}'),
        ("application/json", b"[" * 5000 + b"]" * 5000, "[" * 5000 + "]" * 5000),
    ],
)
def test_body_that_is_not_what_it_says_is_the_result_as_it_came(workspace, server, post, kind, body, result):
    message_id = workspace.queue("mail").put("x")
    server.answers = [(200, {"Content-Type": kind}, body)]

    post(server.url)

    assert workspace.message(message_id).result == result
    assert post.err.getvalue() == ""


def test_no_garbled_answer_ends_the_worker(workspace, server, post):
    rng = random.Random(11)
    good = _raw(b"307 Moved\r\nLocation: /x\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 3", b'{"a": 1}')
    good += _raw(b"200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json", b"2\r\n{}\r\n0\r\n\r\n")

    def garble(handler):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(3)] = bytes(rng.choice(b"\0\xff-:;\r\n9 [%/") for _ in range(rng.randrange(3)))
        handler.wfile.write(data)
        handler.close_connection = True

    server.answers = [garble]
    workspace.queue("mail").put_many([Outgoing(number, max_attempts=1) for number in range(200)])

    post(server.url, timeout=5)

    counts = workspace.counts()
    assert (counts.completed + counts.failed, counts.ready + counts.retrying) == (200, 0)


def test_connection_is_kept_between_messages_of_a_thread(workspace, server, post):
    workspace.queue("mail").put_many([Outgoing(number) for number in range(20)])

    post(server.url, concurrency=2)

    assert workspace.counts().completed == 20
    assert len(server.connections) <= 2


def test_connection_that_the_server_closed_is_made_anew(workspace, server, post):
    workspace.queue("mail").put_many([1, 2, 3])

    def answer_and_close(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # and no word of closing
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    server.answers = [answer_and_close]

    post(server.url)

    assert workspace.counts().completed == 3
    assert len(server.connections) == 3


def test_connection_is_not_kept_for_long(workspace, server, post, monkeypatch):
    monkeypatch.setattr(post_connection, "_KEPT_MS", 0)
    workspace.queue("mail").put_many([1, 2, 3])

    post(server.url)

    assert len(server.connections) == 3


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_certificate_is_checked(workspace, post, tmp_path):
    certificate = tmp_path / "certificate.pem"
    subprocess.run(
        [*_OPENSSL.split(), "-keyout", tmp_path / "key.pem", "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "key.pem")
    server = Server(context)
    message_id = workspace.queue("mail").put("x")
    try:
        post(server.url)
        assert workspace.message(message_id).error.endswith("its certificate is not valid: self-signed certificate")

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            workspace.queue("mail").put("y")
            post(server.url)
    finally:
        server.close()

    assert workspace.counts().completed == 1
    assert [body for _, _, body in server.requests] == [b"y"]


def test_header_value_comes_from_the_environment(workspace, server, post, monkeypatch):
    monkeypatch.setenv("HOOK_TOKEN", "Bearer s3cret")
    workspace.queue("mail").put("x")

    post(server.url, headers=[("Authorization", "$HOOK_TOKEN")])

    assert server.requests[0][1]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Bearer $HOOK_TOKEN", "Bearer s3cret"),
        ("Bearer ${HOOK_TOKEN}", "Bearer s3cret"),
        ("$HOOK_USER:$HOOK_TOKEN", "ada:s3cret"),
        ("${HOOK_USER}x", "adax"),
        ("5 $$ and $5", "5 $ and $5"),
        ("$$HOOK_TOKEN", "$HOOK_TOKEN"),
    ],
)
def test_variables_within_a_header_value_are_filled_in(workspace, server, post, monkeypatch, written, sent):
    monkeypatch.setenv("HOOK_TOKEN", "s3cret")
    monkeypatch.setenv("HOOK_USER", "ada")
    workspace.queue("mail").put("x")

    post(server.url, headers=[("Authorization", written)])

    assert server.requests[0][1]["Authorization"] == sent


@pytest.mark.parametrize(
    ("url", "headers", "reason"),
    [
        ("ftp://localhost/", (), "is no address to post to"),
        ("http://", (), "is no address to post to"),
        ("http://local host/", (), "is no address to post to"),
        ("http://localhost:99999/", (), "is no address to post to"),
        ("http://ada:pw@localhost/", (), "would show its password"),
        ("http://localhost/", [("Content-Length", "1")], "cannot be set"),
        ("http://localhost/", [("PQDesk-Id", "1")], "cannot be set"),
        ("http://localhost/", [("A b", "1")], "cannot be set"),
        ("http://localhost/", [("A", "x\r\nB: y")], "printable ASCII"),
        ("http://localhost/", [("A", "$NOT_SET_AT_ALL")], "which is not set"),
        ("http://localhost/", [("A", "Bearer $NOT_SET_AT_ALL")], "which is not set"),
        ("http://localhost/", [("A", "${NOT_SET_AT_ALL}.")], "which is not set"),
    ],
)
def test_what_cannot_be_posted_to_takes_no_message(workspace, url, headers, reason):
    message_id = workspace.queue("mail").put("x")

    with pytest.raises(InvalidInput, match=reason):
        run_consumer(workspace.queue("mail"), PostTarget(url, tuple(headers)), drain=True)

    assert workspace.message(message_id).attempt == 0


def test_no_password_of_an_address_is_told():
    with pytest.raises(InvalidInput) as told:
        PostTarget("http://ada:pw@localhost/").check()

    assert "pw" not in str(told.value)


def test_json_of_the_answer_comes_back_as_it_was(workspace, server, post):
    value = {"a": [1, 2.5, "ä", None], "huge": 10**30}
    message_id = workspace.queue("mail").put("x")
    server.answers = [(200, {"Content-Type": "application/json"}, json.dumps(value).encode())]

    post(server.url)

    assert workspace.queue("mail").result(message_id) == value
