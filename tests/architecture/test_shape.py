"""What the import contracts cannot say: which files are importable without which packages, and how large things are."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
HEAVY = ("sqlalchemy", "httpx", "rich", "google", "grpc", "azure", "boto3", "botocore", "moto", "cryptography", "kubernetes")


def test_the_list_of_verbs_imports_nothing_heavy() -> None:
    """`pullgrant --list` and completion would take as long as the slowest SDK."""
    program = f"import sys, pullgrant.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=SRC, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("file", sorted(SRC.rglob("*.py")), ids=lambda file: str(file.relative_to(SRC)))
def test_a_file_is_one_idea(file: Path) -> None:
    """A file or function would grow until nobody reads it."""
    text = file.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    longest = max((_lines(node) for node in functions), default=0)
    assert (text.count("\n") <= 300, longest <= 50) == (True, True)


def _lines(function: ast.AST) -> int:
    """Return how many lines a function has, a text of many lines inside it counting as one."""
    texts = [node for node in ast.walk(function) if isinstance(node, ast.JoinedStr | ast.Constant)]
    long = {node.lineno: (node.end_lineno or 0) - node.lineno for node in texts if (node.end_lineno or 0) > node.lineno}
    return function.end_lineno - function.lineno + 1 - sum(long.values())
