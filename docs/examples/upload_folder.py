#!/usr/bin/env python3
"""Uploads the photos and videos of a folder to a Flickr account, through FlickrHub.

    upload_folder.py FOLDER USER_ID

FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is. What was handed over is noted in FOLDER/.flickrhub.json, so
that the command can be stopped and run again: no file is handed over twice, and each that has not arrived is waited for.
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

JOURNAL = ".flickrhub.json"
# How many jobs may be on their way: FlickrHub takes 1,000 an account, and keeps a file for 7 days.
ON_THE_WAY = 100
CHUNK_BYTES = 1024 * 1024


def call(method: str, path: str, body: dict | None = None) -> dict:
    """The `data` of FlickrHub's answer. While FlickrHub asks for patience, it is called again."""
    while True:
        request = urllib.request.Request(os.environ["FLICKRHUB_URL"] + path, method=method)
        request.add_header("x-api-key", os.environ["FLICKRHUB_API_KEY"])
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


def put(file: Path, upload: dict) -> None:
    """Sends a file to the URL of its upload, as a stream. One that is there already is fine."""
    with file.open("rb") as content:
        request = urllib.request.Request(upload["url"], data=content, headers=upload["headers"], method="PUT")
        try:
            urllib.request.urlopen(request, timeout=3600).close()
        except urllib.error.HTTPError as error:
            if error.code != 412:
                raise SystemExit(f"{file}: {error.code} {error.read().decode()}") from error


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def hand_over(file: Path, user_id: str) -> str:
    """The job that uploads a file."""
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    details = {"file_name": file.name, "content_type": content_type, "bytes": file.stat().st_size}
    upload = call("POST", "/v1/uploads", {"user_id": user_id, "sha256": sha256(file), **details})
    put(file, upload)
    job = {"target": "upload", "user_id": user_id, "upload_id": upload["upload_id"], "params": {"is_public": 0}}
    return call("POST", "/v1/flickr/rest", job)["job_id"]


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

    waiting = [str(file.relative_to(folder)) for file in media(folder)]
    waiting = [name for name in waiting if "state" not in files.get(name, {})]
    total, on_the_way = len(waiting), []
    while waiting or on_the_way:
        while waiting and len(on_the_way) < ON_THE_WAY:
            name = waiting.pop(0)
            if "job" not in files.get(name, {}):
                note(name, job=hand_over(folder / name, user_id))
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
