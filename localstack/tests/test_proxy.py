"""The proxy, in front of a server that says what it was asked."""

import http.client
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from launcher import gate, proxy, settings


class Paths(unittest.TestCase):
    def test_are_passed_on_below_the_prefix(self):
        for path, target in {
            "/api/v1/health": "/_aws/execute-api/x/api/v1/health",
            "/api/v1/accounts/12%40N03?a=1&a=%2F": "/_aws/execute-api/x/api/v1/accounts/12%40N03?a=1&a=%2F",
            "/api": "/_aws/execute-api/x/api",
            "/api?q": "/_aws/execute-api/x/api?q",
        }.items():
            self.assertEqual(proxy.target_path(path, "x"), target)

    def test_elsewhere_are_refused(self):
        for path in ("/", "/v1/health", "/apis/v1", "http://other/api", "*"):
            with self.subTest(path), self.assertRaises(proxy.Refused):
                proxy.target_path(path, "x")


class Headers(unittest.TestCase):
    def test_of_one_connection_are_not_passed_on(self):
        headers = [("Connection", "close, X-Mine"), ("x-mine", "1"), ("TE", "trailers")]
        headers += [("Accept", "a"), ("Accept", "b")]
        self.assertEqual(proxy.passed_on(headers), [("Accept", "a"), ("Accept", "b")])


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = {"method": self.command, "path": self.path, "headers": list(self.headers.items()), "body": body.decode()}
        if self.headers.get("If-None-Match") == 'W/"known"':
            self.send_response(304)
            self.send_header("ETag", 'W/"known"')
            self.send_header("Cache-Control", "private, no-cache")
            self.end_headers()
            return
        content = json.dumps(said).encode()
        self.send_response(302 if "redirect" in self.path else 201)
        self.send_header("Location", "http://elsewhere.example/")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass


class Passing(unittest.TestCase):
    def setUp(self):
        self.upstream = ThreadingHTTPServer((settings.HOST, 0), Upstream)
        threading.Thread(target=self.upstream.serve_forever, daemon=True).start()
        self.proxy = proxy.Proxy(0, self.upstream.server_port, "x", "the token", ["https://app.example.org"])
        self.proxy.start()
        self.client = http.client.HTTPConnection(settings.HOST, self.proxy.server_port, timeout=5)

    def tearDown(self):
        self.client.close()
        self.proxy.stop()
        self.upstream.shutdown()
        self.upstream.server_close()

    def ask(self, method, path, body=None, headers=None, **more):
        self.client.request(method, path, body, headers or {}, **more)
        answer = self.client.getresponse()
        return answer, answer.read()

    def test_keeps_status_headers_and_body_over_one_connection(self):
        for _ in range(3):
            sent = {"x-api-key": "k", "X-Forwarded-For": "6.6.6.6"}
            answer, content = self.ask("POST", "/api/v1/x?y=1", b'{"a":1}', sent)
            said = json.loads(content)
            self.assertEqual((answer.status, said["method"], said["body"]), (201, "POST", '{"a":1}'))
            self.assertEqual(said["path"], "/_aws/execute-api/x/api/v1/x?y=1")
            self.assertEqual(answer.headers.get_all("Set-Cookie"), ["a=1", "b=2"])
            headers = {name.lower(): value for name, value in said["headers"]}
            self.assertEqual(headers["x-api-key"], "k")
            self.assertEqual(headers["x-forwarded-for"], "127.0.0.1")
            self.assertEqual(headers["x-forwarded-proto"], "http")
            self.assertEqual(headers["x-forwarded-host"], f"127.0.0.1:{self.proxy.server_port}")

    def test_passes_on_that_nothing_has_changed(self):
        # The connection goes on: no byte of a body is left in it.
        for _ in range(2):
            answer, content = self.ask("GET", "/api/v1/x", None, {"If-None-Match": 'W/"known"'})
            self.assertEqual((answer.status, content, answer.headers["ETag"]), (304, b"", 'W/"known"'))
            self.assertEqual(answer.headers["Cache-Control"], "private, no-cache")
            self.assertNotIn("Content-Length", answer.headers)
            answer, content = self.ask("GET", "/api/v1/x", None, {"If-None-Match": '"other"'})
            self.assertEqual((answer.status, json.loads(content)["method"]), (201, "GET"))

    def test_sends_the_token_of_the_launch_and_no_other(self):
        own = f"http://{settings.HOST}:{self.proxy.server_port}"
        sent = {"Origin": own, "Sec-Fetch-Site": "same-origin", "X-Amz-Security-Token": "mine"}
        _, content = self.ask("POST", "/api/v1/x", b"", sent)
        headers = [(name.lower(), value) for name, value in json.loads(content)["headers"]]
        self.assertEqual([value for name, value in headers if name == gate.TOKEN_HEADER], ["the token"])
        self.assertFalse({"origin", "sec-fetch-site"} & {name for name, _ in headers})

    def test_refuses_what_a_foreign_page_sends(self):
        for header, value, reason in (
            ("Origin", "http://evil.example", gate.FOREIGN_ORIGIN),
            ("Sec-Fetch-Site", "cross-site", gate.FOREIGN_SITE),
            ("Host", "evil.example", gate.FOREIGN_HOST),
        ):
            for path in ("/api/v1/flickr/rest", "/api/v1/auth/callback"):
                with self.subTest(header, path=path):
                    answer, content = self.ask("POST", path, b"{}", {header: value, "Content-Type": "text/plain"})
                    problem = json.loads(content)
                    self.assertEqual((answer.status, problem["error"]["code"]), (403, "ERR_FORBIDDEN"))
                    self.assertEqual(problem["detail"], reason)

    def test_hands_on_where_a_page_is_from_that_the_api_judges(self):
        for sent, expected in (
            ({"Origin": "https://app.example.org", "Sec-Fetch-Site": "cross-site"}, ["https://app.example.org"]),
            ({gate.ORIGIN_HEADER: "https://app.example.org"}, []),
        ):
            answer, content = self.ask("POST", "/api/v1/x", b"{}", sent)
            headers = [(name.lower(), value) for name, value in json.loads(content)["headers"]]
            self.assertEqual(answer.status, 201)
            self.assertEqual([value for name, value in headers if name == gate.ORIGIN_HEADER], expected)
            self.assertFalse({"origin", "sec-fetch-site"} & {name for name, _ in headers})

    def test_lets_flickr_send_the_browser_to_the_callback_alone(self):
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        for path, status in {"/api/v1/auth/callback?state=x": 201, "/api/v1/accounts": 403}.items():
            answer, _ = self.ask("GET", path, None, link)
            self.assertEqual(answer.status, status, path)

    def test_follows_no_redirect(self):
        answer, _ = self.ask("GET", "/api/redirect")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "http://elsewhere.example/"))

    def test_takes_chunked_bodies(self):
        _, content = self.ask("POST", "/api/v1", iter([b"one", b"two"]), encode_chunked=True)
        self.assertEqual(json.loads(content)["body"], "onetwo")

    def test_answers_a_head_without_a_body(self):
        answer, content = self.ask("HEAD", "/api/v1")
        self.assertEqual((answer.status, content), (201, b""))

    def test_refuses_what_is_too_large_unread(self):
        self.client.putrequest("POST", "/api/v1")
        self.client.putheader("Content-Length", str(proxy.MAX_BODY_BYTES + 1))
        self.client.endheaders()
        answer = self.client.getresponse()
        problem = json.loads(answer.read())
        self.assertEqual((answer.status, problem["error"]["code"]), (413, "ERR_PAYLOAD_TOO_LARGE"))
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")

    def test_says_so_when_nothing_is_behind_it(self):
        self.upstream.shutdown()
        self.upstream.server_close()
        answer, content = self.ask("GET", "/api/v1/health")
        self.assertEqual((answer.status, json.loads(content)["error"]["code"]), (502, "ERR_UNAVAILABLE"))


if __name__ == "__main__":
    unittest.main()
