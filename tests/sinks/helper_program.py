"""A strict credential helper for tests, with the protocol's exact texts; its entries are in $FAKE_HELPER_STATE."""

import json
import os
import sys
from pathlib import Path


def fail(words):
    sys.stdout.write(f"{words}\n")
    sys.exit(1)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in ("store", "get", "erase", "list", "version"):
        fail("Usage: docker-credential-fake <store|get|erase|list|version>")
    file = Path(os.environ["FAKE_HELPER_STATE"])
    state = json.loads(file.read_text()) if file.exists() else {}
    verb, payload = sys.argv[1], sys.stdin.read()
    if state.get("refuses") and verb != "get":
        fail(f"error storing credentials - err: exit status 1, out: `keychain is locked` ({payload})")
    entries = state.setdefault("entries", {})
    if verb == "store":
        sent = json.loads(payload)
        if not sent.get("ServerURL"):
            fail("no credentials server URL")
        if not sent.get("Username"):
            fail("no credentials username")
        entries[sent["ServerURL"]] = [sent["Username"], sent["Secret"]]
    elif payload.strip() not in entries:
        fail("credentials not found in native keychain")
    elif verb == "get":
        name, secret = entries[payload.strip()]
        sys.stdout.write(json.dumps({"ServerURL": payload.strip(), "Username": name, "Secret": secret}) + "\n")
    else:
        del entries[payload.strip()]
    file.write_text(json.dumps(state))


main()
