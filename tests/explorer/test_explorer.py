"""The page of the API in a browser: it loads nothing foreign, keeps its own policy, and keeps no API key."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from browser import ROOT, NotInstalled, Page

#: Run before the page's own scripts.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
BLOCK = 'document.querySelector("#operations-Accounts-listAccounts {}")'


class Explorer(unittest.TestCase):
    page: Page

    @classmethod
    def setUpClass(cls) -> None:
        profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(profile.cleanup)
        try:
            cls.page = Page(Path(profile.name))
        except NotInstalled as why:
            raise unittest.SkipTest(str(why)) from None
        cls.addClassCleanup(cls.page.close)
        cls.page.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def setUp(self) -> None:
        self.page.events.clear()
        self.page.send("Page.navigate", url=f"{os.environ['FLICKRHUB_URL']}/v1/docs")

    def click(self, part: str) -> None:
        self.page.until(f"Boolean({BLOCK.format(part)})")
        self.page.value(f"{BLOCK.format(part)}.click()")

    def test_it_shows_and_tries_the_api_and_asks_nobody_else(self) -> None:
        document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
        operations = sum(len(item) for item in document["paths"].values())
        self.page.until('document.querySelectorAll(".opblock").length', lambda count: count == operations)

        self.page.value('document.querySelector(".btn.authorize").click()')
        field = 'document.querySelector(".auth-container input")'
        self.page.until(f"Boolean({field})")
        key = json.dumps(os.environ["FLICKRHUB_API_KEY"])
        # As if it were typed: React looks at the setter of the element's own class.
        self.page.value(
            f"Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call({field}, {key});"
            f"{field}.dispatchEvent(new Event('input', {{ bubbles: true }}))"
        )
        self.page.value('document.querySelector(".auth-btn-wrapper .authorize").click()')
        self.page.until('Boolean(document.querySelector(".auth-btn-wrapper .btn-done"))')
        self.page.value('document.querySelector(".auth-btn-wrapper .btn-done").click()')
        self.click(".opblock-summary-control")
        self.click(".try-out__btn")
        self.click(".execute")
        status = BLOCK.format(".live-responses-table tbody .response-col_status") + "?.innerText"
        self.assertIn("200", self.page.until(status))

        self.assertEqual(self.page.value("[localStorage.length, sessionStorage.length, document.cookie]"), [0, 0, ""])
        self.assertEqual(self.page.value("window.violations"), [])
        problems = [entry["entry"] for entry in self.page.told("Log.entryAdded") if entry["entry"]["level"] == "error"]
        self.assertEqual(problems, [])
        self.assertEqual(self.page.told("Runtime.exceptionThrown"), [])
        asked = [urlsplit(event["request"]["url"]) for event in self.page.told("Network.requestWillBeSent")]
        origin = urlsplit(os.environ["FLICKRHUB_URL"])
        foreign = {url.geturl() for url in asked if url.scheme != "data" and url[:2] != origin[:2]}
        self.assertEqual(foreign, set())
        paths = {url.path.removeprefix("/api") for url in asked}
        self.assertLessEqual({"/v1/docs", "/v1/openapi.json", "/v1/accounts"}, paths)

    def test_its_policy_refuses_what_is_foreign(self) -> None:
        """So that the other test would see it."""
        self.page.until("document.readyState", lambda state: state == "complete")
        refused = self.page.value(
            """new Promise((resolve) => {
              document.addEventListener("securitypolicyviolation",
                (event) => resolve(`${event.violatedDirective} ${event.blockedURI}`), { once: true });
              fetch("https://foreign.invalid/").catch(() => {});
            })"""
        )
        self.assertEqual(refused, "connect-src https://foreign.invalid/")


if __name__ == "__main__":
    unittest.main()
