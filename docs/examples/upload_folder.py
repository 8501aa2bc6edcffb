#!/usr/bin/env python3
"""Uploads the photos and videos of a folder to a Flickr account, through FlickrHub.

    upload_folder.py FOLDER USER_ID

FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is. What was handed over is noted in FOLDER/.flickrhub.json, so
that the command can be stopped and run again: no file is handed over twice, a long one goes on with its missing parts, and
each that has not arrived is waited for.
It needs nothing but Python 3.10.
"""

import hashlib
import json
import mimetypes
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

JOURNAL = ".flickrhub.json"
# How many jobs may be on their way: FlickrHub takes 1,000 an account, and keeps a file for 7 days.
ON_THE_WAY = 100
CHUNK_BYTES = 1024 * 1024
# Longer files come in parts, so that one that breaks off need not be sent from its start.
IN_PARTS_FROM_BYTES = 16 * 1024 * 1024


def call(method: str, path: str, body: dict | None = None, headers: dict | None = None) -> dict:
    """The `data` of FlickrHub's answer. While FlickrHub asks for patience, it is called again."""
    while True:
        request = urllib.request.Request(os.environ["FLICKRHUB_URL"] + path, method=method)
        for name, value in {"x-api-key": os.environ["FLICKRHUB_API_KEY"], **(headers or {})}.items():
            request.add_header(name, value)
        if body is not None:
            request.add_header("content-type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error
            time.sleep(float(error.headers.get("retry-after", 5)))


def put(file: Path, to: dict, content: BinaryIO | bytes) -> None:
    """Sends a file, or a part of it, to its URL. What is there already is fine."""
    request = urllib.request.Request(to["url"], data=content, headers=to["headers"], method="PUT")
    try:
        urllib.request.urlopen(request, timeout=3600).close()
    except urllib.error.HTTPError as error:
        if error.code != 412:
            raise SystemExit(f"{file}: {error.code} {error.read().decode()}") from error


def put_parts(file: Path, upload_id: str) -> None:
    """Sends the parts of a file that are missing, and has them put together."""
    start: int | None = 1
    with file.open("rb") as content:
        while start:
            # A few at a time: their URLs are good for 15 minutes.
            page = call("GET", f"/v1/uploads/{upload_id}/parts?from={start}&limit=8")
            for part in page["parts"]:
                if part["state"] == "pending":
                    content.seek(part["offset"])
                    put(file, part, content.read(part["bytes"]))
            start = page["next_from"]
    call("POST", f"/v1/uploads/{upload_id}/complete")


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def begin(file: Path, user_id: str) -> dict:
    """A new upload of a file."""
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    details = {"file_name": file.name, "content_type": content_type, "bytes": file.stat().st_size}
    details["multipart"] = details["bytes"] > IN_PARTS_FROM_BYTES
    return call("POST", "/v1/uploads", {"user_id": user_id, "sha256": sha256(file), **details})


def submit(user_id: str, upload_id: str) -> str:
    """The job that sends the file of an upload to Flickr. A repeat makes no second job."""
    job = {"target": "upload", "user_id": user_id, "upload_id": upload_id, "params": {"is_public": 0}}
    return call("POST", "/v1/flickr/rest", job, {"idempotency-key": upload_id})["job_id"]


def media(folder: Path) -> list[Path]:
    kinds = ("image/", "video/")
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and (mimetypes.guess_type(file.name)[0] or "").startswith(kinds) and file.stat().st_size
    )


def main(folder: Path, user_id: str) -> int:
    journal = folder / JOURNAL
    files: dict[str, dict] = json.loads(journal.read_text()) if journal.exists() else {}

    def note(name: str, **what: str) -> None:
        files.setdefault(name, {}).update(what)
        journal.write_text(json.dumps(files, indent=1))

    def hand_over(name: str) -> None:
        """Has FlickrHub have the file, and a job that sends it. What a run before has done stays done."""
        file, done = folder / name, files.setdefault(name, {})
        if "job" in done:
            return
        if "upload" not in done:
            upload = begin(file, user_id)
            if not upload["multipart"]:
                with file.open("rb") as content:
                    put(file, upload, content)
            note(name, upload=upload["upload_id"])
        if file.stat().st_size > IN_PARTS_FROM_BYTES:
            put_parts(file, done["upload"])
        note(name, job=submit(user_id, done["upload"]))

    waiting = [str(file.relative_to(folder)) for file in media(folder)]
    waiting = [name for name in waiting if "state" not in files.get(name, {})]
    total, on_the_way = len(waiting), []
    while waiting or on_the_way:
        while waiting and len(on_the_way) < ON_THE_WAY:
            name = waiting.pop(0)
            hand_over(name)
            on_the_way.append(name)
        for name in list(on_the_way):
            job = call("GET", f"/v1/flickr/jobs/{files[name]['job']}")
            if not job["finished_at"]:
                continue
            on_the_way.remove(name)
            if job["state"] == "completed":
                note(name, state="completed", url=job["result"]["url"])
            else:
                note(name, state=job["state"], error=f"{job['error']['code']}: {job['error']['message']}")
            done = total - len(waiting) - len(on_the_way)
            print(f"{done}/{total} {name}: {files[name].get('url') or files[name]['error']}", flush=True)
        if on_the_way:
            time.sleep(1)
    failed = [name for name, file in files.items() if file.get("state") != "completed"]
    print(f"{len(files) - len(failed)} uploaded, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
