"""The PyPI package flickr_api, unmodified, under Flickr's own host names.

It sends an upload's OAuth parameters as form fields, and reads every member of an answer.
"""

import re
import tempfile
import unittest

import flickr_api
from flickr_api.flickrerrors import FlickrAPIError

from fake import KEY, SECRET, FlickrHostNames


class Unmodified(FlickrHostNames, unittest.TestCase):
    def setUp(self):
        super().setUp()
        flickr_api.set_keys(api_key=KEY, api_secret=SECRET)
        login = flickr_api.auth.AuthHandler(callback="http://localhost/callback")
        token = re.search(r"oauth_token=([^&]+)", login.get_authorization_url("delete")).group(1)
        approval = self.fake.control("/_fake/approve", {"oauth_token": token, "perms": "delete"})
        login.set_verifier(approval["oauth_verifier"])
        flickr_api.set_auth_handler(login)
        self.user = flickr_api.test.login()

    def upload(self, **params):
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(b"\xff\xd8\xff\xe0 a photo")
            file.flush()
            return flickr_api.upload(photo_file=file.name, **params)

    def test_uploads_reads_changes_and_deletes(self):
        photo = self.upload(title="Größe!", tags="sea 'x")
        self.assertEqual((self.user.username, self.fake.photos()[0]["title"]), ("ada", "Größe!"))
        photo.setMeta(title="neu", description="Wörter")
        photo.addTags(tags="hill")
        info = photo.getInfo()
        self.assertEqual((info["title"], info["description"]), ("neu", "Wörter"))
        self.assertEqual([tag.text for tag in info["tags"]], ["sea", "x", "hill"])
        self.assertEqual([found.id for found in self.user.getPhotos()], [photo.id])
        photo.delete()
        with self.assertRaises(FlickrAPIError) as context:
            photo.getInfo()
        self.assertEqual(context.exception.code, 1)
        self.assertEqual(self.fake.photos(), [])

    def test_uploads_asynchronously(self):
        ticket = self.upload(title="T", **{"async": 1})
        self.assertRegex(ticket.id, r"^\d+-\d+$")


if __name__ == "__main__":
    unittest.main()
