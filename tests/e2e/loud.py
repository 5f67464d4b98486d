"""Runs one command line with every library's debug log open, and writes down the arguments of every child: loud.py FILE ARGV..."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

SPOKEN = (
    "google",
    "google.auth",
    "google.cloud",
    "grpc",
    "httpx",
    "httpcore",
    "urllib3",
    "botocore",
    "boto3",
    "azure",
    "msal",
)


def main(children: str, argv: list[str]) -> None:
    """Open the logs as a careless operator would, at the root and one by one, and run."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    for name in SPOKEN:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger("invoke").setLevel(logging.WARNING)  # its own --debug is refused, and has a test of its own
    os.environ["GOOGLE_SDK_PYTHON_LOGGING_SCOPE"] = "google"

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            with Path(children).open("a", encoding="utf-8") as file:
                file.write(json.dumps([str(one) for one in args[1]]) + "\n")

    sys.addaudithook(hook)
    from pullgrant.cli import program

    program.run(["pullgrant", *argv])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
