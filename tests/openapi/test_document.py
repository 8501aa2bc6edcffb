"""The OpenAPI document is one, and its page is Swagger UI as it is published."""

import gzip
import importlib.util
import json
import unittest
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "functions" / "status" / "assets"
# Not imported: it is a Django app, and Django is not installed.
PACKAGE = Path(importlib.util.find_spec("drf_spectacular_sidecar").origin).parent
SWAGGER_UI = PACKAGE / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"


class Document(unittest.TestCase):
    def test_it_is_valid(self):
        document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
        errors = [f"{list(error.path)}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
        self.assertEqual(errors, [])

    def test_what_is_no_document_is_noticed(self):
        response = {"200": {}}  # without a description
        paths = {"/": {"get": {"responses": response}}}
        document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
        self.assertTrue(list(OpenAPIV31SpecValidator(document).iter_errors()))


class Page(unittest.TestCase):
    def test_its_files_are_those_of_the_pinned_package(self):
        files = sorted(ASSETS.glob("*.gz"))
        self.assertEqual([file.stem for file in files], ["swagger-ui-bundle.js", "swagger-ui.css"])
        for file in files:
            self.assertEqual(gzip.decompress(file.read_bytes()), (SWAGGER_UI / file.stem).read_bytes(), file.name)


if __name__ == "__main__":
    unittest.main()
