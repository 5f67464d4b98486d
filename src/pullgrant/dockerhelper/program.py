"""The program: one argument, a payload on standard input, an answer on standard output.

docker/docker-credential-helpers credentials/credentials.go: errors go to standard output too, with exit status 1; standard error
reaches the user's terminal.
"""

import os
import sys

from pullgrant.dockerhelper import cache

NAME = "docker-credential-pullgrant"
ACTIONS = "store|get|erase|list|version"
CACHE = "PULLGRANT_HELPER_CACHE"
INTERRUPTED = 130


def main() -> None:
    """Run the program and end the process."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    # Not sys.exit: an interpreter that is taken down in order takes a third of the time of a kept answer.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(argv: list[str]) -> int:
    """Answer one call; return the exit status."""
    if len(argv) != 1:
        return _say(f"Usage: {NAME} <{ACTIONS}>\n", 1)
    action = argv[0]
    if action == "get":
        return _get(sys.stdin.read().strip())
    if action in ("version", "--version", "-v"):
        from pullgrant import __version__

        return _say(f"{NAME} (pullgrant) {__version__}\n", 0)
    if action not in ("store", "erase", "list"):
        return _say(f"{NAME}: unknown action: {action}\n", 1)
    from pullgrant.dockerhelper import slow

    return _say(*slow.answer(action, sys.stdin.read() if action != "list" else ""))


def _get(server: str) -> int:
    if not server:
        return _say("no credentials server URL\n", 1)
    if os.environ.get(CACHE, "file") == "file":
        kept = cache.load(server)
        if kept is not None and cache.is_fresh(kept):
            sys.stdout.buffer.write(kept.answer)
            return 0
    from pullgrant.dockerhelper import slow

    return _say(*slow.answer("get", server))


def _say(text: str, code: int) -> int:
    sys.stdout.write(text)
    return code


if __name__ == "__main__":
    main()
