"""Which requests the stack's servers refuse."""

import asyncio
import http.client
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

from launcher import emulator, gate

TOKEN = "the token of this launch"
HOST = ("Host", "127.0.0.1:4566")


class Refusals(unittest.TestCase):
    def test_of_a_host_that_is_not_one_name_of_this_machine(self):
        for host in ("127.0.0.1:4566", "127.0.0.1", "localhost:4566", "LOCALHOST", "[::1]:4566"):
            self.assertIsNone(gate.refusal([("Host", host)]), host)
        for host in ("evil.example:4566", "127.0.0.1.evil.example", "0.0.0.0:4566", "192.168.0.1", "", "a b", "[::1"):
            self.assertEqual(gate.refusal([("Host", host)], is_page=True), gate.FOREIGN_HOST, host)
        for headers in ([], [HOST, ("Host", "evil.example")]):
            self.assertEqual(gate.refusal(headers), gate.FOREIGN_HOST)

    def test_of_an_origin_that_is_not_the_servers_own(self):
        self.assertIsNone(gate.refusal([HOST, ("Origin", "http://127.0.0.1:4566")]))
        for origin in ("http://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:4566", ""):
            self.assertEqual(gate.refusal([HOST, ("Origin", origin)], is_page=True), gate.FOREIGN_ORIGIN, origin)

    def test_not_of_the_pages_that_the_server_judges_itself(self):
        page = ("Origin", "https://app.example.org")
        asked = [HOST, page, ("Sec-Fetch-Site", "cross-site")]
        self.assertIsNone(gate.refusal(asked, origins=["https://app.example.org"]))
        for origins in ([], ["https://app.example.org.evil.example"]):
            self.assertEqual(gate.refusal(asked, origins=origins), gate.FOREIGN_ORIGIN)
        for headers, reason in (
            ([HOST, ("Sec-Fetch-Site", "cross-site")], gate.FOREIGN_SITE),
            ([HOST, page, ("Origin", "http://evil.example")], gate.FOREIGN_ORIGIN),
            ([("Host", "evil.example"), page], gate.FOREIGN_HOST),
        ):
            self.assertEqual(gate.refusal(headers, origins=["https://app.example.org"]), reason)

    def test_of_another_site_or_port_that_does_not_link_to_a_page(self):
        for site, refused in {
            "none": None,
            "same-origin": None,
            "same-site": gate.FOREIGN_SITE,
            "cross-site": gate.FOREIGN_SITE,
            "unheard-of": gate.FOREIGN_SITE,
        }.items():
            framed = [HOST, ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]
            link = [*framed[:3], ("Sec-Fetch-Dest", "document")]
            with self.subTest(site):
                self.assertIsNone(gate.refusal(link, is_page=True))
                self.assertEqual(gate.refusal(link), refused)
                self.assertEqual(gate.refusal(framed, is_page=True), refused)
                self.assertEqual(gate.refusal(framed[:2], is_page=True), refused)

    def test_of_what_lacks_the_token(self):
        for name in ("X-Amz-Security-Token", "x-amz-security-token"):
            self.assertIsNone(gate.token_refusal([TOKEN], [(name, TOKEN)], ""))
            self.assertIsNone(gate.token_refusal([TOKEN], [], f"a=b&{name}=the%20token%20of+this+launch"))
        forged = [("Authorization", f"AWS4-HMAC-SHA256 Credential={TOKEN}/20260101/us-east-1/iam/aws4_request")]
        for headers in ([], forged, [("X-Amz-Security-Token", "another")], [("X-Amz-Security-Token", "")]):
            self.assertEqual(gate.token_refusal([TOKEN], headers, "X-Amz-Security-Token="), gate.NO_TOKEN)
        self.assertEqual(gate.token_refusal([""], [("X-Amz-Security-Token", "")], ""), gate.NO_TOKEN)

    def test_of_a_role_by_the_keys_that_a_request_is_signed_with(self):
        signed = ("Authorization", "AWS4-HMAC-SHA256 Credential=ASIA/20260101/us-east-1/s3/aws4_request, Signature=0")
        presigned = "X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
        for headers, query, expected in (
            ([signed], "", {"ASIA"}),
            ([], presigned, {"test"}),
            ([signed], presigned, {"ASIA", "test"}),
            ([signed], "AWSAccessKeyId=test", {"ASIA", "test"}),
            ([signed, ("Authorization", "AWS test:signature")], "", {"ASIA", "AWS test:signature"}),
            ([], "", set()),
        ):
            self.assertEqual(gate.access_keys(headers, query), expected)


class Emulator(unittest.TestCase):
    def ask(self, kind, *headers):
        """The scopes that reach the emulator, and the messages that are answered."""
        reached, sent = [], []

        async def app(scope, _receive, _send):
            reached.append(scope)

        async def send(message):
            sent.append(message)

        listed = [(name.lower().encode(), value.encode()) for name, value in (HOST, *headers)]
        scope = {"type": kind, "query_string": b"", **({} if kind == "lifespan" else {"headers": listed})}
        asyncio.run(emulator.gated(app, TOKEN, lambda: ["a role's"])(scope, None, send))
        return reached, sent

    def test_gets_what_has_the_token_without_the_token(self):
        for kind in ("http", "websocket"):
            reached, sent = self.ask(kind, ("X-Amz-Security-Token", TOKEN), ("Accept", "a"))
            self.assertEqual(reached[0]["headers"], [(b"host", b"127.0.0.1:4566"), (b"accept", b"a")])
            self.assertEqual(sent, [])
        self.assertEqual(len(self.ask("lifespan")[0]), 1)

    def test_gets_the_origin_that_the_proxy_judged(self):
        reached, _ = self.ask("http", ("X-Amz-Security-Token", TOKEN), ("X-Flickrhub-Origin", "https://app.example.org"))
        self.assertIn((b"origin", b"https://app.example.org"), reached[0]["headers"])

    def test_gets_what_has_the_token_of_a_role_with_the_token(self):
        reached, sent = self.ask("http", ("X-Amz-Security-Token", "a role's"))
        self.assertIn((b"x-amz-security-token", b"a role's"), reached[0]["headers"])
        self.assertEqual(sent, [])

    def test_does_not_get_what_is_refused(self):
        for headers, reason in (
            ([], gate.NO_TOKEN),
            ([("X-Amz-Security-Token", TOKEN), ("Origin", "http://evil.example")], gate.FOREIGN_ORIGIN),
        ):
            reached, (start, body) = self.ask("http", *headers)
            self.assertEqual((reached, start["status"], body["body"].decode()), ([], 403, f"{reason}\n"))
            reached, (close,) = self.ask("websocket", *headers)
            self.assertEqual((reached, close["type"], close["reason"]), ([], "websocket.close", reason))


class RuntimeApi(unittest.TestCase):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            pass

    def test_refuses_what_a_foreign_page_sends(self):
        patch = mock.patch.object(BaseHTTPRequestHandler, "parse_request", BaseHTTPRequestHandler.parse_request)
        patch.start()
        self.addCleanup(patch.stop)
        emulator.gate_handlers()
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for headers, expected in (
            ({}, (202, "")),
            ({"Origin": "http://evil.example"}, (403, f"{gate.FOREIGN_ORIGIN}\n")),
            ({"Host": "evil.example"}, (403, f"{gate.FOREIGN_HOST}\n")),
        ):
            client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
            client.request("POST", "/2018-06-01/runtime/init/error", b"{}", headers)
            answer = client.getresponse()
            self.assertEqual((answer.status, answer.read().decode()), expected)
            client.close()


if __name__ == "__main__":
    unittest.main()
