"""The PyPI package flickrapi, unmodified, against the fake Flickr.

Build the server first, install requirements.txt, then run `python -m unittest` in this folder.
"""

import hashlib
import io
import json
import logging
import os
import re
import tempfile
import threading
import unittest
from unittest import mock

import flickrapi
import flickrapi.auth
import requests

from fake import KEY, SECRET, Fake, FlickrHostNames

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 64
# The requests must not go through a proxy that the environment names.
os.environ["NO_PROXY"] = "*"
logging.getLogger("flickrapi").setLevel(logging.CRITICAL)


def at(url):
    """Return a flickrapi client class whose only change is its URLs."""

    class Api(flickrapi.FlickrAPI):
        REST_URL = url + "/services/rest/"
        UPLOAD_URL = url + "/services/upload/"
        REPLACE_URL = url + "/services/replace/"

    return Api


def oauth_at(url):
    steps = {
        "REQUEST_TOKEN_URL": "/services/oauth/request_token",
        "AUTHORIZE_URL": "/services/oauth/authorize",
        "ACCESS_TOKEN_URL": "/services/oauth/access_token",
    }
    return mock.patch.multiple(flickrapi.auth.OAuthFlickrInterface, **{name: url + path for name, path in steps.items()})


def connect(fake, client, perms="delete"):
    """Log in out of band. The control API approves in place of the user."""
    client.get_request_token(oauth_callback="oob")
    token = re.search(r"oauth_token=([^&]+)", client.auth_url(perms=perms)).group(1)
    approval = fake.control("/_fake/approve", {"oauth_token": token, "perms": perms})
    client.get_access_token(approval["oauth_verifier"])
    return client


def code_of(context):
    return int(context.exception.code)


class Redirected(unittest.TestCase):
    """The client's URLs point at the server, over plain HTTP."""

    def setUp(self):
        self.fake = Fake()
        self.addCleanup(self.fake.stop)
        urls = oauth_at(self.fake.url)
        urls.start()
        self.addCleanup(urls.stop)

    def client(self, perms="delete"):
        return connect(self.fake, self.unconnected(), perms)

    def unconnected(self, key=KEY, secret=SECRET):
        return at(self.fake.url)(key, secret, store_token=False, format="parsed-json")

    def upload(self, client, **params):
        return client.upload("sea.jpg", fileobj=io.BytesIO(JPEG), format="etree", **params)

    def test_connects_out_of_band(self):
        client = self.client(perms="write")
        token = client.token_cache.token
        self.assertEqual((token.fullname, token.username, token.user_nsid), ("Ada Lovelace", "ada", "12037949@N01"))
        self.assertEqual(client.test.login()["user"]["id"], "12037949@N01")

    def test_keeps_its_token_after_a_check(self):
        client = self.client(perms="write")
        self.assertTrue(client.token_valid(perms="write"))
        self.assertTrue(client.token_valid(perms="read"))
        self.assertFalse(client.token_valid(perms="delete"))
        self.assertIsNone(client.token_cache.token)

    def test_connects_in_a_browser(self):
        def browse(url):
            def approve():
                page = requests.get(url, timeout=10).text
                fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
                form = {**fields, "new_user": "Zoë & co", "decision": "approve"}
                requests.post(url.split("?")[0], data=form, timeout=10)

            threading.Thread(target=approve, daemon=True).start()
            return True

        client = self.unconnected()
        with mock.patch("webbrowser.open_new_tab", browse):
            client.authenticate_via_browser(perms="read")
        self.assertEqual(client.token_cache.token.username, "Zoë & co")
        self.assertTrue(client.token_valid(perms="read"))

    def test_reports_a_wrong_verifier_secret_and_key(self):
        client = self.unconnected()
        client.get_request_token(oauth_callback="oob")
        client.auth_url(perms="read")
        for attempt in (
            lambda: client.get_access_token("111-111-111"),
            lambda: self.unconnected(secret="0000000000000000").get_request_token(oauth_callback="oob"),
            lambda: self.unconnected(key="f" * 32).get_request_token(oauth_callback="oob"),
        ):
            with self.assertRaisesRegex(flickrapi.FlickrError, "Status code 401"):
                attempt()
        problems = [call["answer"]["problem"] for call in self.fake.calls()[1:]]
        self.assertEqual(problems, ["verifier_invalid", "signature_invalid", "consumer_key_unknown"])

    def test_reads(self):
        client = self.client(perms="read")
        self.fake.control("/_fake/photos", {"count": 7, "tags": "sea", "description": "wörds"})
        query = {"user_id": "me", "tags": "sea", "per_page": 3, "extras": "description", "format": "etree"}
        found = [photo for page in (1, 2, 3) for photo in client.photos.search(page=page, **query).iter("photo")]
        self.assertEqual(len({photo.get("id") for photo in found}), 7)
        self.assertEqual(found[0].findtext("description"), "wörds")
        photo = client.photos.getInfo(photo_id=found[0].get("id"))["photo"]
        self.assertEqual(photo["description"]["_content"], "wörds")
        person = client.people.getInfo(user_id="12037949@N01", format="etree")
        self.assertEqual(person.findtext("person/realname"), "Ada Lovelace")
        self.assertEqual(client.people.getUploadStatus()["user"]["filesize"]["maxbytes"], 209715200)

    def test_reads_each_format(self):
        client = self.client(perms="read")
        echoed = client.test.echo(word="ä & <b> \"c\"", format="etree")
        self.assertEqual(echoed.findtext("word"), "ä & <b> \"c\"")
        self.assertEqual(client.test.echo(word="ä+ ~'()*!")["word"]["_content"], "ä+ ~'()*!")
        node = client.test.echo(word="x", format="xmlnode")
        self.assertEqual(node.word[0].text, "x")
        raw = client.test.echo(format="json", jsoncallback="call")
        self.assertTrue(raw.startswith(b"call({"))

    def test_writes(self):
        client = self.client()
        other = self.fake.control("/_fake/photos", {"user": "grace"})["ids"][0]
        first, second = self.fake.control("/_fake/photos", {"count": 2})["ids"]
        client.photos.setMeta(photo_id=first, title="Neu", description="Wörter")
        client.photos.addTags(photo_id=first, tags='one "two words"')
        client.photos.licenses.setLicense(photo_id=first, license_id=4)
        photo = next(photo for photo in self.fake.photos() if photo["id"] == first)
        self.assertEqual((photo["title"], photo["description"], photo["license"]), ("Neu", "Wörter", 4))
        self.assertEqual(photo["tags"], ["one", "two words"])
        photoset = client.photosets.create(title="Set", primary_photo_id=first)["photoset"]["id"]
        client.photosets.addPhoto(photoset_id=photoset, photo_id=second)
        photos = client.photosets.getPhotos(photoset_id=photoset)["photoset"]["photo"]
        self.assertEqual([photo["id"] for photo in photos], [first, second])
        client.favorites.add(photo_id=other)
        self.assertEqual(client.favorites.getList()["photos"]["photo"][0]["id"], other)
        client.favorites.remove(photo_id=other)
        client.photos.delete(photo_id=first)
        self.assertEqual(len(self.fake.photos()), 2)

    def test_uploads_and_replaces(self):
        client = self.client(perms="write")
        answer = self.upload(client, title="Größe", tags='sea "new york" a:b=c', is_public="0")
        photo_id = answer.findtext("photoid")
        photo = self.fake.photos()[0]
        self.assertEqual((photo["id"], photo["title"], photo["is_public"]), (photo_id, "Größe", False))
        self.assertEqual(photo["sha256"], hashlib.sha256(JPEG).hexdigest())
        self.assertEqual(photo["tags"], ["sea", "new york", "a:b=c"])
        answer = client.replace("x.png", photo_id, fileobj=io.BytesIO(b"\x89PNG other"), format="etree")
        self.assertEqual(len(answer.find("photoid").get("secret")), 10)
        self.assertEqual(self.fake.photos()[0]["replacements"], 1)

    def test_uploads_a_large_file_without_a_title(self):
        client = self.client(perms="write")
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            for _ in range(20):
                file.write(JPEG + bytes(1 << 20))
            file.flush()
            client.upload(file.name, format="etree")
            photo = self.fake.photos()[0]
            self.assertEqual((photo["bytes"], photo["title"]), (os.path.getsize(file.name), os.path.basename(file.name)))

    def test_uploads_asynchronously(self):
        client = self.client(perms="write")
        self.fake.control("/_fake/config", {"ticket_pending_polls": 1})
        ticket = self.upload(client, **{"async": "1"}).findtext("ticketid")
        poll = lambda: client.photos.upload.checkTickets(tickets=ticket)["uploader"]["ticket"][0]
        self.assertEqual(poll()["complete"], 0)
        done = poll()
        self.assertEqual((done["complete"], done["photoid"]), (1, self.fake.photos()[0]["id"]))

    def test_raises_the_right_errors(self):
        client, reader = self.client(), self.client(perms="read")
        for code, attempt in (
            (1, lambda: client.photos.getInfo(photo_id="1")),
            (99, lambda: reader.photos.delete(photo_id="1")),
            (112, lambda: client.photos.doesNotExist()),
            (9, lambda: [self.upload(client, dedup_check="1") for _ in range(2)]),
            (5, lambda: client.upload("a.jpg", fileobj=io.BytesIO(b"text"), format="etree")),
        ):
            with self.subTest(code=code), self.assertRaises(flickrapi.FlickrError) as context:
                attempt()
            self.assertEqual(code_of(context), code)

    def test_loses_a_revoked_token(self):
        client = self.client()
        self.fake.control("/_fake/revoke", {"user": "ada"})
        with self.assertRaises(flickrapi.FlickrError) as context:
            client.test.login()
        self.assertEqual(code_of(context), 98)
        self.assertFalse(client.token_valid(perms="delete"))

    def test_is_throttled(self):
        client = self.client()
        self.fake.control("/_fake/config", {"hourly_limit": 3})
        client.test.null()
        with self.assertRaisesRegex(flickrapi.FlickrError, "Status code 429"):
            client.test.null()


class Unmodified(FlickrHostNames, unittest.TestCase):
    """The client is not configured at all: it connects to Flickr's own hosts."""

    def setUp(self):
        super().setUp()
        # A pooled connection of another test would not resolve the host again.
        self.patch(mock.patch.object(flickrapi.auth.OAuthFlickrInterface, "session", requests.Session()))

    def test_connects_reads_writes_and_uploads(self):
        client = connect(self.fake, flickrapi.FlickrAPI(KEY, SECRET, store_token=False, format="parsed-json"))
        self.assertTrue(client.token_valid(perms="delete"))
        photo_id = client.upload("sea.jpg", fileobj=io.BytesIO(JPEG), format="etree").findtext("photoid")
        client.photos.setMeta(photo_id=photo_id, title="Über")
        self.assertEqual(client.photos.getInfo(photo_id=photo_id)["photo"]["title"]["_content"], "Über")
        client.replace("sea.jpg", photo_id, fileobj=io.BytesIO(JPEG), format="etree")
        client.photos.delete(photo_id=photo_id)
        hosts = {(host, 443) for host in ("www.flickr.com", "api.flickr.com", "up.flickr.com")}
        self.assertEqual(self.resolved, hosts)
        self.assertEqual(json.dumps(self.fake.calls()).count('"fail"'), 0)

    def test_trusts_nothing_else(self):
        with mock.patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": requests.certs.where()}):
            with self.assertRaises(requests.exceptions.SSLError):
                flickrapi.FlickrAPI(KEY, SECRET, store_token=False).get_request_token(oauth_callback="oob")


if __name__ == "__main__":
    unittest.main()
